"""The start page."""

from starlette.responses import Response

from features.admin.pages.rendering import Page


async def start_page(page: Page) -> Response:
    """Where one arrives: what there is to look at."""
    return page.render("start.html")
