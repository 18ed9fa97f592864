"""The admin site: mounted at /admin, where the settings have it."""

from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.routing import Mount, Route

from features.admin.recent import RecentRequests
from features.admin.settings import is_served

ADDRESS = "/admin"


async def _with_slash(request: Request) -> RedirectResponse:
    return RedirectResponse(f"{request.scope.get('root_path', '')}{ADDRESS}/", status_code=308)


def mount(app: Any, offers: Callable[..., dict[str, Any]]) -> None:
    """Serve the site in this application; `offers` finds what features' files offer."""
    if not is_served(app.state.resources.settings):
        return
    # Where the site is off, no process pays for its packages.
    from features.admin.declared import views_of
    from features.admin.pages.serving import Site

    app.state.recent_requests = RecentRequests()
    routes = [
        Route(ADDRESS, _with_slash),
        Mount(ADDRESS, app=Site(views_of(offers("admin", "views", list))), name="admin"),
    ]
    app.router.routes.extend(routes)
