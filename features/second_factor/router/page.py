"""The page on which people sign in by a second factor, and set theirs up."""

from pathlib import Path

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse

from features.emails.link_pages import HEADERS, PAGE
from features.emails.rendering import environment
from kernel.config import AppSettings
from kernel.web import Access, SessionDep, access

STATIC = Path(__file__).parent.with_name("static")
KEPT = {"Cache-Control": "public, max-age=3600"}
POLICY = "Content-Security-Policy"
# Its script calls the API.
PAGE_HEADERS = {**HEADERS, POLICY: f"{HEADERS[POLICY]}; connect-src 'self'"}

router = APIRouter()


@router.get("/second_factor/page", **PAGE)
@access(Access.PUBLIC)
async def read_second_factor_page(db: SessionDep) -> HTMLResponse:
    """Show the page on which a person signs in, and sets second factors up."""
    template = environment().get_template("second_factor/templates/page.html.jinja")
    html = template.render(app=db.resources.settings.group(AppSettings).app_name)
    return HTMLResponse(html, headers=PAGE_HEADERS)


@router.get("/second_factor/page.css", include_in_schema=False)
@access(Access.PUBLIC)
async def read_second_factor_style() -> Response:
    """Style the page."""
    return Response((STATIC / "page.css").read_bytes(), headers=KEPT, media_type="text/css")


@router.get("/second_factor/page.js", include_in_schema=False)
@access(Access.PUBLIC)
async def read_second_factor_script() -> Response:
    """Call the API for the page."""
    content = (STATIC / "page.js").read_bytes()
    return Response(content, headers=KEPT, media_type="text/javascript")
