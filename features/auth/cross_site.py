"""Login CSRF: what sets or spends a cookie is refused to the pages of other sites."""

from fastapi import Request
from starlette.requests import HTTPConnection

from kernel.config import HttpSettings
from kernel.context import context_of
from kernel.errors import ForbiddenException

CROSS_SITE = "Requests from other sites are refused."


async def refuse_cross_site(request: Request) -> None:
    """Raise ForbiddenException (403) for a request that another site's page has made.

    Browsers say so by Sec-Fetch-Site; older ones by Origin. Other programs send neither.
    """
    allowed = context_of(request).resources.settings.group(HttpSettings).cors_origins
    origin = request.headers.get("origin")
    if origin is not None and ("*" in allowed or origin.lower() in allowed):
        return
    site = request.headers.get("sec-fetch-site")
    if site == "cross-site" or (site is None and origin not in (None, own_origin(request))):
        raise ForbiddenException(CROSS_SITE)


def own_origin(request: HTTPConnection) -> str:
    """As browsers spell it: without the scheme's own port."""
    port = {"http": ":80", "https": ":443"}[request.url.scheme]
    return f"{request.url.scheme}://{request.url.netloc.lower().removesuffix(port)}"
