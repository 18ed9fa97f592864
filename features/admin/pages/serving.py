"""The site as an ASGI application: who is let in, one unit of work, errors as pages."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import Receive, Scope, Send

from features.admin import permissions
from features.admin.pages import drafting, editing, refusals, rows, signing, start
from features.admin.pages.files import static_file
from features.admin.pages.rendering import Page, Renderer
from features.admin.views import View
from kernel.context import context_of
from kernel.errors import NotFoundException
from kernel.rate_limit import spend_write
from kernel.web import note_actor

log = structlog.get_logger(__name__)

Made = TypeVar("Made")

SAFE = frozenset({"GET", "HEAD"})
SECRETS = frozenset({"_password", "_code"})
NO_SUCH_PAGE = "There is no such page."


@dataclass(frozen=True, slots=True)
class Served:
    """A page: its path, its methods, and whether it is shown to those who aren't signed in."""

    path: str
    answer: Callable[[Page], Awaitable[Response]]
    methods: Sequence[str] = ("GET",)
    open: bool = False


PAGES = (
    Served("/static/{file}", static_file, open=True),
    Served("/sign-in", signing.sign_in, ("GET", "POST"), open=True),
    Served("/sign-out", signing.sign_out, ("POST",), open=True),
    Served("/", start.start_page),
    Served("/{view}/list", rows.list_page),
    Served("/{view}/export", rows.export),
    Served("/{view}/create", editing.create_page, ("GET", "POST")),
    Served("/{view}/act/{act}", editing.act_page, ("POST",)),
    Served("/{view}/details/{row:path}", rows.row_page),
    Served("/{view}/value/{column}/{row:path}", rows.value_page),
    Served("/draft/{draft}/{field}", drafting.draft_page),
    Served("/{view}/edit/{row:path}", editing.edit_page, ("GET", "POST")),
)


class Site:
    """Serves the pages. A write commits before its answer leaves."""

    def __init__(self, views: Mapping[str, View]) -> None:
        self.renderer = Renderer(views)
        self._routes = [
            (Route(page.path, lambda: None, methods=list(page.methods)), page) for page in PAGES
        ]
        # What log lines and metrics call the page.
        self._templates = {page.path: Route(f"/admin{page.path}", lambda: None) for page in PAGES}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise NotFoundException(NO_SUCH_PAGE)
        page = Page(Request(scope, receive), self.renderer)
        try:
            response = await self._respond(page)
        except Exception as error:  # noqa: BLE001 whatever it is, it becomes a page
            response = await self._refuse(page, error)
        if page.token:
            permissions.keep(page.request, response, page.token)
        await response(scope, receive, send)

    async def _respond(self, page: Page) -> Response:
        request = page.request
        served = self._found(request)
        if request.method not in SAFE:
            permissions.refuse_other_sites(request)
            await page.receive()
        elif not served.open:
            permissions.refuse_other_readers(request)
        if served.open:
            return await self._in_unit(page, served.answer)
        if not SECRETS.isdisjoint(page.posted):
            await self._in_unit(page, signing.enter_again)

        async def answer(page: Page) -> Response:
            caller = await permissions.superuser(request)
            if request.method not in SAFE:
                spend_write(request, caller.user_id)
                await note_actor(page.unit, caller.user_id)
                await drafting.put_back(page, caller.user_id)
            return await served.answer(page)

        return await self._in_unit(page, answer)

    async def _in_unit(self, page: Page, answer: Callable[[Page], Awaitable[Made]]) -> Made:
        context = context_of(page.request)
        async with context.resources.unit() as unit:
            context.unit = unit
            try:
                return await answer(page)
            finally:
                context.unit = None

    async def _refuse(self, page: Page, error: Exception) -> Response:
        """The page that says what was wrong. What it shows is read in a unit of its own."""
        try:
            return await self._in_unit(page, refusals.of(error))
        except Exception as second:
            if not isinstance(second, HTTPException):
                log.exception("admin page crashed", path=page.request.url.path)
            return refusals.plain(page, second)

    def _found(self, request: Request) -> Served:
        """The page of that address. Raises NotFoundException (404), and HTTPException (405)."""
        allowed: list[str] = []
        for route, served in self._routes:
            match, child = route.matches(request.scope)
            if match is Match.FULL:
                request.scope["path_params"] = child["path_params"]
                request.scope["route"] = self._templates[served.path]
                return served
            if match is Match.PARTIAL:
                allowed += served.methods
        if allowed:
            raise HTTPException(405, headers={"Allow": ", ".join(allowed)})
        raise NotFoundException(NO_SUCH_PAGE)
