"""OpenAPI and its pages: open in local, for superusers in staging, absent in production."""

import html
import json
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import FastAPI
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles

from kernel.config.groups import AppSettings
from kernel.context import Principal, context_of
from kernel.errors import ForbiddenException, UnauthorizedException
from kernel.web.access import PRIVILEGES, Access, require
from kernel.web.problems import translate

Endpoint = Callable[[Request], Awaitable[Response]]
VerifyBasic = Callable[[HTTPConnection], Awaitable[Principal | None]]

BROWSER_CHALLENGE = {"WWW-Authenticate": 'Basic realm="API documentation", charset="UTF-8"'}
ASSETS = "fastapi_standalone_docs"  # the package that carries Swagger UI and ReDoc
ASSETS_MAX_AGE = 3600

# Scripts come from this server only and none stands in a page, so that no text of the document
# can become one. Both pages write style elements; ReDoc searches in a worker made of a blob.
POLICY = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data:; font-src 'self'; connect-src 'self'; worker-src blob:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}
HEAD = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>{title}</title>
"""
# Every address is relative, for proxies that serve the API below a prefix.
SWAGGER = """\
<link rel="stylesheet" href="docs/swagger-ui.css">
<div id="swagger-ui"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
"""
START_SWAGGER = """\
SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  tryItOutEnabled: true,
  validatorUrl: null,
});
"""
REDOC = """\
<style>body { margin: 0 }</style>
<redoc spec-url="openapi.json"></redoc>
<script src="redoc/redoc.standalone.js"></script>
"""


def metadata(settings: AppSettings) -> dict[str, Any]:
    """FastAPI's arguments that describe the API. Its own pages are switched off: they load their
    scripts from other hosts."""
    contact = {"name": settings.contact_name, "email": settings.contact_email}
    contact = {key: value for key, value in contact.items() if value}
    return {
        "title": settings.app_name,
        "description": settings.app_description or "",
        "version": settings.app_version,
        "contact": contact or None,
        "license_info": {"name": settings.license_name} if settings.license_name else None,
        "openapi_url": None,
        "docs_url": None,
        "redoc_url": None,
    }


def install(app: FastAPI, settings: AppSettings) -> None:
    """Serve /openapi.json, /docs and /redoc, as far as the environment has them."""
    if settings.environment == "production":
        return
    guarded = settings.environment != "local"

    async def document(request: Request) -> Response:
        return Response(json.dumps(app.openapi()), media_type="application/json")

    async def start(request: Request) -> Response:
        return Response(START_SWAGGER, media_type="text/javascript")

    head = HEAD.format(title=html.escape(settings.app_name))
    for path, endpoint in {
        "/openapi.json": document,
        "/docs": _page(head + SWAGGER),
        "/redoc": _page(head + REDOC),
    }.items():
        app.add_route(path, _for_superusers(endpoint) if guarded else endpoint)
    # What everybody can download elsewhere is guarded from nobody.
    app.add_route("/docs/start.js", start)
    for name, folder in {"docs": "swagger", "redoc": "redoc"}.items():
        app.mount(f"/{name}", _Assets(packages=[(ASSETS, f"static/{folder}")]), name=name)


class _Assets(StaticFiles):
    def file_response(self, *args: Any, **options: Any) -> Response:
        response = super().file_response(*args, **options)
        response.headers["Cache-Control"] = f"public, max-age={ASSETS_MAX_AGE}"
        return response


def _page(text: str) -> Endpoint:
    async def page(request: Request) -> Response:
        return HTMLResponse(text, headers=POLICY)

    return page


def _for_superusers(endpoint: Endpoint) -> Endpoint:
    """Ask for a superuser's bearer token, or name and password, which a browser can send."""

    async def guarded(request: Request) -> Response:
        scheme = request.headers.get("authorization", "").partition(" ")[0].lower()
        try:
            if scheme == "bearer":
                await require(request, Access.SUPER)
            else:
                await _require_basic(request, named=scheme == "basic")
        except Exception as error:
            raise translate(error) from error
        return await endpoint(request)

    return guarded


async def _require_basic(request: Request, *, named: bool) -> None:
    verify: VerifyBasic | None = context_of(request).resources.provider("verify_basic")
    principal = await verify(request) if named and verify else None
    if principal is None:
        detail = "User not authenticated." if named else "Not authenticated"
        raise UnauthorizedException(detail, headers=BROWSER_CHALLENGE)
    if not principal.is_superuser:
        raise ForbiddenException(PRIVILEGES)
