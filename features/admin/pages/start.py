"""The start page: what there is to look at, and how things are."""

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response

from features.admin.pages.rendering import Page
from features.admin.recent import RecentRequests


async def start_page(page: Page) -> Response:
    """Where one arrives: the last hour's requests, and the panels that views offer."""
    panels: dict[str, Sequence[Mapping[str, Any]]] = {"Requests": _requests(page)}
    for view in page.renderer.views.values():
        offered = getattr(view, "panels", None)
        if offered is not None:
            panels.update(await offered(page.request))
    return page.render("start.html", panels=panels)


def _requests(page: Page) -> list[dict[str, Any]]:
    recent: RecentRequests = page.request.app.state.recent_requests
    answered, failed = recent.last_hour()
    return [
        {"answered by this process": sum(answered), "last hour": answered},
        {"answered by this process": f"{sum(failed)} with 5xx", "last hour": failed},
    ]
