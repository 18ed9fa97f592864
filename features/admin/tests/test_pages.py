"""Who is answered what by which page: a table, kept as text, as of the API's routes."""

from pathlib import Path

import pytest

from features.admin.drafts import Draft, keep
from features.admin.pages.serving import PAGES
from features.users.crud import change_user
from kernel.resources import Resources
from tests.accounts import Person
from tests.admin_site import SAME_ORIGIN, Browser
from tests.application import client_of
from tests.gates.features import in_columns

UPDATE = "hatch run access features/admin"
HEAD = f"""\
# What each caller is answered by the pages of the admin site: anonymous; signed in, and no
# superuser any more; superuser; a superuser in whose browser another site's page asks.
# Written by `{UPDATE}`.
"""
FILE = Path(__file__).with_name("pages.txt")


async def test_every_caller_is_answered_as_the_table_says(
    site: Browser,
    user: Person,
    superuser: Person,
    resources: Resources,
    pytestconfig: pytest.Config,
) -> None:
    draft = await keep(resources, superuser.id, Draft("/", {"name": ["Typed"]}))
    async with client_of(user.app, Browser) as anonymous, client_of(user.app, Browser) as former:
        await set_role(resources, user.id, True)
        await former.sign_in(user)
        await set_role(resources, user.id, False)
        callers = [(anonymous, SAME_ORIGIN), (former, SAME_ORIGIN), (site, SAME_ORIGIN)]
        callers.append((site, {"Sec-Fetch-Site": "cross-site"}))
        lines = [["page", "anonymous", "former", "superuser", "cross-site"]]
        for page in PAGES:
            path = page.path.replace("{row:path}", "{row}")
            parts = {"file": "admin.css", "draft": draft, "field": "name", "column": "name"}
            path = path.format(view="user", act="grant", row=user.id, **parts)
            for method in page.methods:
                if path == "/sign-out":
                    continue  # it would end the sessions; it is open to all
                statuses = []
                for browser, headers in callers:
                    data = {"row": str(user.id)} if method == "POST" else None
                    address = f"/admin{path}"
                    answer = await browser.request(method, address, data=data, headers=headers)
                    statuses.append(str(answer.status_code))
                lines.append([f"{method} {page.path}", *statuses])

    table = HEAD + in_columns(lines)
    if pytestconfig.getoption("write_access"):
        FILE.write_text(table)
    assert FILE.read_text() == table, f"Who may see what has changed. If you mean it: {UPDATE}"
    for line in lines[1:]:
        if not line[0].endswith(("/sign-in", "{file}")):
            assert line[1] in ("303", "401")
            assert line[2] == "403"
            assert line[4] == "403"


async def set_role(resources: Resources, user_id: int, is_superuser: bool) -> None:
    async with resources.unit() as db:
        await change_user(db, user_id, {"is_superuser": is_superuser})
