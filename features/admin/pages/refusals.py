"""Errors as pages that say what to do, and keep what was typed."""

from collections.abc import Awaitable, Callable, Collection
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import structlog
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response

from features.admin.forms import secrets_of
from features.admin.pages import editing, signing
from features.admin.pages.drafting import with_room
from features.admin.pages.rendering import DRAFT, HEADERS, Page
from features.admin.writes import FormRefused
from features.auth.further_step import FurtherStepRequired
from features.auth.step_up import WRONG_CODE, WRONG_PASSWORD, StepUpRequired
from kernel.errors import UnauthorizedException
from kernel.web import translate

log = structlog.get_logger(__name__)

CRASHED = "Something went wrong here. It has been logged under the number below."
ENDED = "Your session has ended. Sign in to go on; what you have typed is still here."
CONFIRM = "This needs your password: enter it again."
CONFIRM_BY_CODE = "This needs a code: of your authenticator app, or a recovery code."
CODE = "Your password is right. Enter a code, too; what you have typed is still here."
WHAT_TO_DO = {
    403: "Sign in as a superuser, or go back.",
    404: "It may have been removed. Look for it in the list.",
    409: "Nothing was changed. Look at the row as it is now, and try again.",
    413: "Nothing was changed. Go back and send less.",
    422: "Nothing was changed. Go back and correct it.",
    429: "Wait a little, then try again.",
    503: "Nothing was changed. Wait a little, then send it again.",
}


def of(error: Exception) -> Callable[[Page], Awaitable[Response]]:
    """What makes the page about an error, in a unit of its own."""
    # Its cause is the database's error, which it has put into words already.
    answer = error if isinstance(error, FormRefused) else translate(error)

    async def made(page: Page) -> Response:
        if isinstance(answer, FormRefused):
            return await editing.shown_again(page, answer)
        if isinstance(answer, StepUpRequired):
            by_code = await signing.asks_for_code(page.request, page.unit)
            told = CONFIRM_BY_CODE if by_code else CONFIRM
            return await _again(page, 403, told, "code" if by_code else "password")
        return await shown(page, answer)

    return made


async def shown(page: Page, error: Exception) -> Response:
    """The page about an error that needs no row."""
    posted = page.request.method == "POST" and bool(page.posted)
    if isinstance(error, FurtherStepRequired):
        return await _again(page, 401, CODE, "code", error.ticket)
    if isinstance(error, UnauthorizedException):
        if posted:
            tried = page.field("_password") or page.field("_ticket")
            return await _again(page, 401, _told(error) if tried else ENDED, "sign-in")
        return page.redirect(f"/sign-in?next={quote(_here(page), safe='')}")
    if not isinstance(error, HTTPException):
        log.error("admin page crashed", path=page.request.url.path, exc_info=error)
        return page.render("error.html", 500, title="Error", told=CRASHED, advice="")
    status = error.status_code
    asked = _asked(page)
    if (asked, _told(error)) in (("password", WRONG_PASSWORD), ("code", WRONG_CODE)):
        return await _again(page, status, _told(error), asked)
    if posted and status in (429, 503):
        response = await _again(page, status, _told(error), asked, page.field("_ticket"))
    else:
        title, advice = HTTPStatus(status).phrase, WHAT_TO_DO.get(status, "")
        response = page.render("error.html", status, title=title, told=_told(error), advice=advice)
    response.headers.update(error.headers or {})
    return response


def plain(page: Page, error: Exception) -> Response:
    """Where no page can be made: a line of text."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    told = _told(error) if isinstance(error, HTTPException) else CRASHED
    return PlainTextResponse(told, status, headers=HEADERS)


def _asked(page: Page) -> str:
    """What the form that was sent had to bear besides."""
    if "_username" in page.posted:
        return "sign-in"
    return "code" if "_code" in page.posted else "password" if "_password" in page.posted else ""


async def _again(page: Page, status: int, told: str, asks: str, ticket: str = "") -> Response:
    """The form once more, hidden, with what is missing to it: a sign-in, a password, a code (after
    a sign-in with its ticket), or time."""
    view = page.renderer.views.get(page.request.path_params.get("view", ""))
    secrets: frozenset[str] = secrets_of(view) if view else frozenset()
    # Only to confirm what is about to be done, in a session that lives, a secret is given back.
    confirms = status in (403, 422) and not ticket
    kept = page.kept(set() if confirms else secrets)
    texts: dict[str, list[str]] = {}
    for name, value in kept:
        if not name.startswith("_") and name not in secrets:
            texts.setdefault(name, []).append(value)
    asks_now = asks == "code" and status not in (429, 503)
    passkey = await signing.passkey_options(page, ticket) if asks_now else ""

    def made(draft: str, names: Collection[str]) -> Response:
        left = [(name, value) for name, value in kept if name not in names]
        left += [(f"{DRAFT}{name}", draft) for name in names]
        left += [("_ticket", ticket)] if ticket else []
        drafted = [(name, "\n".join(texts[name])) for name in names]
        return page.render(
            "again.html",
            status,
            told=told,
            asks=asks,
            kept=left,
            drafted=drafted,
            draft_id=draft,
            passkey=passkey,
        )

    return await with_room(page, [told], texts, made)


def _told(error: Any) -> str:
    match error.detail:
        case {"detail": told}:
            return str(told)
        case dict():
            return ""
        case detail:
            return str(detail)


def _here(page: Page) -> str:
    query = page.request.url.query
    return f"{page.path}?{query}" if query else page.path
