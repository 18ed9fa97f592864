"""The start page: what there is to look at, and how things are."""

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response

from features.admin.pages.rendering import Page
from features.admin.recent import RecentRequests
from kernel.context import context_of


async def start_page(page: Page) -> Response:
    """Where one arrives: the last hour's requests, and the panels that views offer."""
    panels: dict[str, Sequence[Mapping[str, Any]]] = {"Requests": await _requests(page)}
    for view in page.renderer.views.values():
        offered = getattr(view, "panels", None)
        if offered is not None:
            panels.update(await offered(page.request))
    return page.render("start.html", panels=panels)


async def _requests(page: Page) -> list[dict[str, Any]]:
    recent: RecentRequests = page.request.app.state.recent_requests
    redis = context_of(page.request).resources.redis("cache")
    answered, failed, shared = await recent.last_hour(redis)
    by = "answered by all processes" if shared else "answered by this process"
    return [
        {by: sum(answered), "last hour": answered},
        {by: f"{sum(failed)} with 5xx", "last hour": failed},
    ]
