"""Pages made of templates; their headers; static files."""

from collections.abc import Mapping
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from features.admin.cells import cell_of, text_of
from features.admin.views import View
from kernel.config import AppSettings
from kernel.context import context_of
from kernel.db import UnitOfWork
from kernel.errors import NotFoundException
from kernel.web import unit_of

FOLDER = Path(__file__).parent.parent
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
YEAR = 31_536_000
SIGN_IN_FIELDS = frozenset({"_username", "_password", "_ticket", "_code", "_passkey"})
# No script at all, and no style but the sheet: nothing that a row holds can become one.
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "private, no-store",
}
# Of the one page that asks for a passkey, which browsers give to scripts only.
POLICY = "Content-Security-Policy"
PASSKEY_HEADERS = {**HEADERS, POLICY: f"{HEADERS[POLICY]}; script-src 'self'"}


class Renderer:
    """The templates, with what each of them may need."""

    def __init__(self, views: Mapping[str, View]) -> None:
        self.views = views
        self.files = {path.name: path.read_bytes() for path in (FOLDER / "static").iterdir()}
        self.tags = {
            name: blake2b(content, digest_size=8).hexdigest()
            for name, content in self.files.items()
        }
        self.environment = Environment(
            loader=FileSystemLoader(FOLDER / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.environment.globals.update(views=views, cell_of=cell_of, text_of=text_of)


class Page:
    """A request to the site, and the answer to it in the making."""

    def __init__(self, request: Request, renderer: Renderer) -> None:
        self.request, self.renderer = request, renderer
        self.posted: FormData = FormData()
        self.token = ""
        """What the site's cookie will hold, once someone has signed in."""

    @property
    def unit(self) -> UnitOfWork:
        """The unit of work of this page."""
        return unit_of(self.request)

    @cached_property
    def view(self) -> View:
        """The view that the address names. Raises NotFoundException (404)."""
        found = self.renderer.views.get(self.request.path_params.get("view", ""))
        if found is None:
            raise NotFoundException("There is no such view.")
        return found

    def url(self, path: str) -> str:
        """A path of the site as an address on this host."""
        return f"{self.request.scope.get('root_path', '')}{path}"

    def static(self, name: str) -> str:
        """The address of a static file, which changes with its content."""
        return self.url(f"/static/{name}?v={self.renderer.tags[name]}")

    def field(self, name: str) -> str:
        """What was sent in the form under that name; "" for what is no text."""
        value = self.posted.get(name, "")
        return value if isinstance(value, str) else ""

    @property
    def kept(self) -> list[tuple[str, str]]:
        """The fields of the form that was sent, without those of the sign-in."""
        return [
            (name, value)
            for name, value in self.posted.multi_items()
            if isinstance(value, str) and name not in SIGN_IN_FIELDS
        ]

    def render(self, template: str, status: int = 200, **values: Any) -> Response:
        """The page made of a template."""
        context = context_of(self.request)
        settings = context.resources.settings.group(AppSettings)
        text = self.renderer.environment.get_template(template).render(
            page=self,
            app_name=settings.app_name,
            environment=settings.environment,
            caller=context.principal,
            request_id=context.request_id,
            **values,
        )
        headers = PASSKEY_HEADERS if values.get("passkey") else HEADERS
        return HTMLResponse(text, status, headers=headers)

    def redirect(self, path: str) -> Response:
        """To another page of the site, by GET."""
        return RedirectResponse(self.url(path), 303, headers=HEADERS)


async def static_file(page: Page) -> Response:
    """A file of static/; for a year, if it is asked for by the address that its content has."""
    name = page.request.path_params["file"]
    content = page.renderer.files.get(name)
    if content is None:
        raise NotFoundException("There is no such file.")
    is_current = page.request.query_params.get("v") == page.renderer.tags[name]
    age = f"public, max-age={YEAR}, immutable" if is_current else "no-cache"
    headers = {**HEADERS, "Cache-Control": age}
    return Response(content, headers=headers, media_type=TYPES[Path(name).suffix])
