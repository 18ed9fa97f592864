"""Pages made of templates; their headers; static files."""

from collections.abc import Collection, Mapping
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from features.admin.cells import cell_of, text_of
from features.admin.drafts import form_token
from features.admin.forms import unified
from features.admin.lengths import BEGINNING, MAX_PAGE, ROOMS, SHORT, cut
from features.admin.models import Sent
from features.admin.settings import AdminSiteSettings
from features.admin.views import View
from kernel.config import AppSettings
from kernel.context import context_of
from kernel.db import UnitOfWork
from kernel.errors import NotFoundException, UnprocessableEntityException
from kernel.web import unit_of

FOLDER = Path(__file__).parent.parent
SIGN_IN_FIELDS = frozenset({"_username", "_password", "_ticket", "_code", "_passkey"})
# Before the name of a field whose value may be a file: with another name than what is typed, no
# client can take a text away by a file that it didn't choose.
FILE = "_file."
LOST_FILES = "_files"  # fields whose files and secrets a page could not give back
DRAFT = "_draft."  # before the name of a field: the draft that holds its value
FORM = "_form"  # what proves whom a form was shown to
OWN = 1000  # characters of what the site's own hidden fields hold; none has so many
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


class PageTooLarge(UnprocessableEntityException):
    """422: what was asked for takes more than a page, however much of each text is cut."""


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
        names: dict[str, Any] = self.environment.globals
        names.update(views=views, cell_of=cell_of, text_of=text_of)
        names.update(file=FILE, draft=DRAFT, form=FORM)
        filters: dict[str, Any] = self.environment.filters
        filters["cut"] = cut


class Page:
    """A request to the site, and the answer to it in the making."""

    def __init__(self, request: Request, renderer: Renderer) -> None:
        self.request, self.renderer = request, renderer
        self.posted: FormData = FormData()
        self.files: dict[str, bytes] = {}
        self.drafts: list[str] = []
        """The drafts that hold some of what was sent."""
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

    @property
    def path(self) -> str:
        """The path of the page, below the site's own."""
        path: str = self.request.url.path
        return path.removeprefix(self.request.scope.get("root_path", ""))

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

    async def receive(self) -> None:
        """Take in the form that was sent, with its files."""
        async with self.request.form() as self.posted:
            self.files = {
                name.removeprefix(FILE): await value.read()
                for name, value in self.posted.items()
                if isinstance(value, UploadFile) and value.filename and name.startswith(FILE)
            }

    @property
    def sent(self) -> Sent:
        """What the form has brought."""
        texts = {name: value for name, value in self.posted.items() if isinstance(value, str)}
        return Sent(texts, self.files)

    def kept(self, secrets: Collection[str]) -> list[tuple[str, str]]:
        """The fields of the form that was sent, without those of the sign-in. Of files, which are
        still where they were chosen, and of these secrets the names of the fields."""
        texts = [
            (name, value[:OWN] if name.startswith("_") else unified(value))
            for name, value in self.posted.multi_items()
            if isinstance(value, str) and name not in {*SIGN_IN_FIELDS, *secrets}
        ]
        lost = [*self.files, *[name for name in secrets if self.field(name)]]
        return [*texts, *[(LOST_FILES, name) for name in lost]]

    def render(self, template: str, status: int = 200, **values: Any) -> Response:
        """The page made of a template, with as much of each text as makes it MAX_PAGE at most.

        Raises PageTooLarge (422).
        """
        for room in ROOMS:
            body = self._made(template, room=room, **values).encode()
            if len(body) <= MAX_PAGE:
                break
        else:
            raise PageTooLarge("This takes more than a page; ask for less.")
        headers = PASSKEY_HEADERS if values.get("passkey") else HEADERS
        return HTMLResponse(body, status, headers=headers)

    def _made(self, template: str, *, room: float, **values: Any) -> str:
        context = context_of(self.request)
        settings, caller = context.resources.settings, context.principal
        own = settings.group(AppSettings)
        return self.renderer.environment.get_template(template).render(
            page=self,
            room=room,
            short=SHORT * room,
            beginning=BEGINNING * room,
            app_name=own.app_name,
            environment=own.environment,
            caller=caller,
            form_token=form_token(settings, caller.user_id) if caller else "",
            draft_minutes=settings.group(AdminSiteSettings).admin_draft_minutes,
            request_id=context.request_id,
            **values,
        )

    def redirect(self, path: str) -> Response:
        """To another page of the site, by GET."""
        return RedirectResponse(self.url(path), 303, headers=HEADERS)
