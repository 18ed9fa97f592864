"""OpenAPI and its pages: open in local, for superusers in staging, absent in production."""

import html
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import structlog
from fastapi import Depends, FastAPI
from pydantic import validate_email
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles

from kernel.config.groups import AppSettings
from kernel.context import Principal, context_of
from kernel.errors import ForbiddenException, UnauthorizedException
from kernel.web.access import PRIVILEGES, Access, require

log = structlog.get_logger(__name__)

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
# Its addresses are relative, for proxies that serve the API below a prefix.
PAGES = Path(__file__).with_name("pages")


def metadata(settings: AppSettings) -> dict[str, Any]:
    """FastAPI's arguments that describe the API. Its own pages are switched off: they load their
    scripts from other hosts."""
    contact = {"name": settings.contact_name, "email": settings.contact_email}
    try:
        validate_email(settings.contact_email or "")
    except ValueError:
        if contact.pop("email"):
            log.warning("CONTACT_EMAIL is no e-mail address; left out of the OpenAPI document")
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

    def document() -> Response:
        return Response(json.dumps(app.openapi()), media_type="application/json")

    guards = [] if settings.environment == "local" else [Depends(require_superuser)]
    for path, endpoint in {
        "/openapi.json": document,
        "/docs": _page("docs.html", settings),
        "/redoc": _page("redoc.html", settings),
    }.items():
        app.add_api_route(path, endpoint, dependencies=guards, include_in_schema=False)
    # Anyone can download these elsewhere.
    for name, folder in {"docs": "swagger", "redoc": "redoc"}.items():
        assets = _Assets(directory=PAGES, packages=[(ASSETS, f"static/{folder}")])
        app.mount(f"/{name}", assets, name=name)


class _Assets(StaticFiles):
    def file_response(self, *args: Any, **options: Any) -> Response:
        response = super().file_response(*args, **options)
        response.headers["Cache-Control"] = f"public, max-age={ASSETS_MAX_AGE}"
        return response


def _page(name: str, settings: AppSettings) -> Callable[[], Response]:
    text = (PAGES / name).read_text(encoding="utf-8")
    text = text.replace("{title}", html.escape(settings.app_name))
    return lambda: HTMLResponse(text, headers=POLICY)


async def require_superuser(request: Request) -> None:
    """Ask for a superuser's bearer token, or name and password, which a browser can send.

    Raises UnauthorizedException (401) and ForbiddenException (403).
    """
    scheme = request.headers.get("authorization", "").partition(" ")[0].lower()
    if scheme == "bearer":
        await require(request, Access.SUPER)
        return
    verify: VerifyBasic | None = context_of(request).resources.provider("verify_basic")
    principal = await verify(request) if scheme == "basic" and verify else None
    if principal is None:
        detail = "User not authenticated." if scheme == "basic" else "Not authenticated"
        raise UnauthorizedException(detail, headers=BROWSER_CHALLENGE)
    if not principal.is_superuser:
        raise ForbiddenException(PRIVILEGES)
