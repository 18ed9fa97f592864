"""Routes for people who have forgotten their password, and the pages that they need."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse
from pydantic import ValidationError

from features.auth.cross_site import refuse_cross_site
from features.auth.security_log import record_after_commit
from features.emails.events import AddressConfirmed
from features.emails.link_pages import (
    MISTAKES,
    PAGE,
    Field,
    code_field,
    email_field,
    first_of,
    page,
)
from features.emails.permissions import (
    count_request,
    find_link,
    mail_is_on,
    refused_link,
    use_link,
)
from features.recovery import crud
from features.recovery.models import ForgotForm, PasswordForgot
from features.recovery.resets import PasswordReset, ResetForm
from features.users.crud import account_by_id, change_user
from features.users.events import PasswordChanged
from features.users.permissions import new_password
from kernel.db import UnitOfWork
from kernel.events import emit
from kernel.schemas import Message
from kernel.web import Access, SessionDep, access

ON_ITS_WAY = "If there is an account with that address, a link to set a new password is on its way."
CHANGED = "Password changed"
FORGOTTEN, NEW_PASSWORD = "Forgotten password", "New password"

router = APIRouter(tags=["recovery"], dependencies=[Depends(mail_is_on)])
guarded = [Depends(refuse_cross_site)]


@router.post("/password/forgot", status_code=202, response_model=Message, dependencies=guarded)
@access(Access.PUBLIC)
async def forgot_password(values: PasswordForgot, request: Request, db: SessionDep) -> Message:
    """Ask for a link to set a new password; it is mailed to the account's address.

    The answer is the same whether the address has an account or not.
    """
    await count_request(request, values.email)
    await crud.remind(db, values.email)
    return Message(message=ON_ITS_WAY)


@router.post("/password/reset", response_model=Message, dependencies=guarded)
@access(Access.PUBLIC)
async def reset_password(values: PasswordReset, request: Request, db: SessionDep) -> Message:
    """Set a new password by the code of a link that was mailed, which works once.

    All sessions of the account end.
    """
    await _reset(request, db, values)
    return Message(message=CHANGED)


@router.get("/password/forgot/form", **PAGE)
@access(Access.PUBLIC)
async def read_forgot_form() -> HTMLResponse:
    """Show the page on which a person asks for a link to set a new password."""
    return _forgot_page()


@router.post("/password/forgot/form", dependencies=guarded, **PAGE)
@access(Access.PUBLIC)
async def submit_forgot_form(
    form: Annotated[ForgotForm, Form()], request: Request, db: SessionDep
) -> HTMLResponse:
    """Ask for a link to set a new password, as the page's form does."""
    try:
        values = PasswordForgot(email=form.email)
        await forgot_password(values, request, db)
    except ValidationError:
        return _forgot_page(form.email, "That is no e-mail address.", 422)
    except MISTAKES as mistake:
        return _forgot_page(form.email, mistake.detail, mistake.status_code)
    return page(FORGOTTEN, ON_ITS_WAY)


@router.get("/password/reset/form", **PAGE)
@access(Access.PUBLIC)
async def read_reset_form() -> HTMLResponse:
    """Show the page that the mailed link leads to. It uses nothing up."""
    return _reset_page()


@router.post("/password/reset/form", dependencies=guarded, **PAGE)
@access(Access.PUBLIC)
async def submit_reset_form(
    form: Annotated[ResetForm, Form()], request: Request, db: SessionDep
) -> HTMLResponse:
    """Set a new password, as the page's form does."""
    token = form.token.get_secret_value()
    try:
        await _reset(request, db, PasswordReset(token=form.token, password=form.password))
    except ValidationError as invalid:
        return _reset_page(token, first_of(invalid), 422)
    except MISTAKES as mistake:
        db.raised = mistake  # for the unit, which is undone, although a page is answered
        return _reset_page(token, mistake.detail, mistake.status_code)
    return page(NEW_PASSWORD, "Your password is changed, and all sessions have ended: log in anew.")


async def _reset(request: Request, db: UnitOfWork, values: PasswordReset) -> None:
    token = values.token.get_secret_value()
    link = await find_link(request, db, token, crud.RESET)
    account = await account_by_id.one(db, user_id=link.subject_id)
    if account is None or (account.email or "").lower() != link.email.lower():
        raise refused_link(request, crud.RESET)
    changes = await new_password(request, db, account, {}, values.password)
    # The account first, then its links: all that do so wait for each other in one order.
    if await change_user(db, account.id, changes) is None:
        raise refused_link(request, crud.RESET)
    await use_link(request, db, token, crud.RESET)
    await emit(db, PasswordChanged(account.id, None))
    await emit(db, AddressConfirmed(account.id))
    record_after_commit(db, "password reset", request, user=account.id)


def _forgot_page(email: str = "", problem: str = "", status: int = 200) -> HTMLResponse:
    text = "We mail a link to the address of your account. It works once."
    field = email_field(email)
    return page(FORGOTTEN, text, field, action="Send the link", problem=problem, status=status)


def _reset_page(token: str = "", problem: str = "", status: int = 200) -> HTMLResponse:
    text = "Choose a new password. All sessions of the account end."
    hint = "At least 8 characters; none of the commonest."
    field = Field("password", NEW_PASSWORD, "password", "new-password", hint)
    fields = code_field(token), field
    return page(
        NEW_PASSWORD, text, *fields, action="Set the password", problem=problem, status=status
    )
