"""Pages of signing in and out, and of entering one's password or a code again."""

from starlette.requests import Request
from starlette.responses import Response

from features.admin import permissions
from features.admin.pages.rendering import Page
from features.auth.further_step import FurtherStepRequired, further_step, is_asked_for_more
from features.auth.security_log import record_after_commit
from features.auth.step_up import (
    ENTER_PASSWORD,
    StepUpRequired,
    check_current_password,
    note_password,
)
from features.users.crud import account_by_id
from kernel.context import Principal, context_of
from kernel.db import UnitOfWork
from kernel.errors import (
    CustomException,
    ServiceUnavailableException,
    UnauthorizedException,
)

MAX_GIVEN_BACK = 1000  # characters of a name or a ticket; none has so many


async def sign_in(page: Page) -> Response:
    """Ask for name and password, then for a code where one is asked for; with the right ones, go
    on to where one was going."""
    where = page.request.query_params.get("next", "")
    if page.request.method != "POST":
        return page.render("sign_in.html", name="", told="")
    name, ticket = page.field("_username")[:MAX_GIVEN_BACK], page.field("_ticket")[:MAX_GIVEN_BACK]
    try:
        page.token = await _token(page)
    except FurtherStepRequired as asked:
        return await _code_page(page, 401, asked.ticket)
    except CustomException as refused:
        told = str(refused.detail)
        if ticket:
            answer = await _code_page(page, refused.status_code, ticket, told)
        else:
            answer = page.render("sign_in.html", refused.status_code, name=name, told=told)
        answer.headers.update(refused.headers or {})
        return answer
    return page.redirect(inside(where))


async def _code_page(page: Page, status: int, ticket: str, told: str = "") -> Response:
    passkey = await passkey_options(page, ticket) if status == 401 else ""
    return page.render("code.html", status, ticket=ticket, told=told, passkey=passkey)


async def passkey_options(page: Page, ticket: str) -> str:
    """What the browser is to ask a passkey for, in JSON, in place of a code: to sign in with that
    ticket or, without one, to confirm. Empty where no passkey would do."""
    step = further_step(page.unit)
    if step is None:
        return ""
    await page.unit.flush()  # the ticket, which is looked up
    return await step.passkey_options(page.request, page.unit, ticket, "admin")


def _shown(page: Page) -> str:
    """The code that was entered, or what a passkey has signed."""
    return page.field("_passkey") or page.field("_code")


async def _token(page: Page) -> str:
    request, unit, ticket = page.request, page.unit, page.field("_ticket")
    if ticket:
        return await permissions.sign_in_by_code(request, unit, ticket, _shown(page))
    return await permissions.sign_in(
        request, unit, page.field("_username"), page.field("_password")
    )


async def enter_again(page: Page) -> None:
    """Before a form is looked at that bears a password or a code: whose session ended meanwhile
    signs in again, and who is about to do something dangerous confirms it."""
    request = page.request
    if "_username" in page.posted or "_ticket" in page.posted:
        page.token = await _token(page)
        permissions.use(request, page.token)
    else:
        caller = await permissions.superuser(request)
        password, code = page.field("_password"), _shown(page)
        await _confirm(request, page.unit, caller, password, code)


async def asks_for_code(request: Request, unit: UnitOfWork) -> bool:
    """Whether the caller confirms what is dangerous by a code in place of the password."""
    caller = context_of(request).principal
    return caller is not None and await is_asked_for_more(unit, caller.user_id)


async def _confirm(
    request: Request, unit: UnitOfWork, caller: Principal, password: str, code: str
) -> None:
    """Note in the session that its password was entered now, as POST /step-up does; of an account
    that is asked for more, a code.

    Raises UnprocessableEntityException (422) for a wrong one, RateLimitException (429).
    """
    account = await account_by_id.one(unit, user_id=caller.user_id)
    if account is None:
        raise UnauthorizedException(permissions.SIGN_IN)
    step = further_step(unit)
    if step is not None and await step.is_asked(unit, account.id):
        if not code:
            raise StepUpRequired(ENTER_PASSWORD)
        await step.confirm(request, unit, account, code)
    else:
        await check_current_password(request, unit, account, password)
    if not await note_password(unit, caller, account.version):
        raise ServiceUnavailableException(permissions.CHANGING)
    record_after_commit(unit, "password confirmed", request, user=caller.user_id)


async def sign_out(page: Page) -> Response:
    """End the session."""
    await permissions.sign_out(page.request, page.unit)
    answer = page.redirect("/sign-in")
    permissions.drop(page.request, answer)
    return answer


def inside(where: str) -> str:
    """The path to go on to: one of the site's own, whatever was asked for."""
    plain = where.startswith("/") and where[1:2] not in ("/", "\\") and where.isprintable()
    return where if plain and "\\" not in where else "/"
