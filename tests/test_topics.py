"""docs/topics.md maps each heading of SQLModel-boilerplate's README to pages that exist."""

import re

from infra.checks import ROOT

PAGE = ROOT / "docs" / "topics.md"
HEADINGS = """\
0. About
1. Features
2. Contents
3. Prerequisites
3.0 Start
3.1 Environment Variables (.env)
3.2 Docker Compose
3.3 From Scratch
4. Usage
4.1 Docker Compose
4.2 From Scratch
4.2.1 Packages
4.2.2 Running PostgreSQL With Docker
4.2.3 Running Redis With Docker
4.2.4 Running the API
4.3 Creating the first superuser
4.3.1 Docker Compose
4.3.2 From Scratch
4.3.3 Creating the first tier
4.4 Database Migrations
5. Extending
5.1 Project Structure
5.2 Database Model
5.3 DB Models
5.4 Validation Models
5.5 Alembic Migrations
5.6 CRUD
5.7 Routes
5.7.1 Paginated Responses
5.7.2 HTTP Exceptions
5.8 Caching
5.9 More Advanced Caching
Invalidate Extra By Pattern
Client-side Caching
5.10 ARQ Job Queues
5.11 Rate Limiting
5.12 JWT Authentication
5.12.1 Details
5.12.2 Usage
5.13 Running
5.14 Create Application
5.15 Opting Out of Services
6. Running in Production
6.1 Uvicorn Workers with Gunicorn
6.2 Running With NGINX
6.2.1 One Server
6.2.2 Multiple Servers
7. Testing
7.1 Docker Compose
7.2 From Scratch
8. Contributing
9. References
10. License
11. Contact
""".splitlines()


def rows() -> dict[str, str]:
    """The pages of each heading, as the table has them."""
    cells = re.findall(r"(?m)^\| ([^|]+) \| ([^|]+) \|$", PAGE.read_text())
    return {heading: pages for heading, pages in cells if heading not in ("heading there", "---")}


def test_every_heading_is_mapped_and_no_other() -> None:
    assert list(rows()) == HEADINGS


def test_each_heading_but_that_of_the_contents_leads_to_a_page() -> None:
    links = {heading: re.findall(r"\]\(([^)#]+)", pages) for heading, pages in rows().items()}

    assert [heading for heading, found in links.items() if not found] == ["2. Contents"]
    missing = [
        link for found in links.values() for link in found if not (PAGE.parent / link).exists()
    ]
    assert missing == []
