"""Routes that confirm an e-mail address, and the pages that they need."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse
from pydantic import ValidationError

from features.auth.cross_site import refuse_cross_site
from features.auth.security_log import record_after_commit
from features.emails.crud import send_notice, withdraw_links
from features.emails.events import AddressConfirmed
from features.emails.link_pages import MISTAKES, PAGE, code_field, email_field, page
from features.emails.models import Link
from features.emails.permissions import (
    count_request,
    find_link,
    mail_is_on,
    refused_link,
    use_link,
)
from features.users.crud import (
    account_by_id,
    change_user,
    create_user,
    id_by_email,
    id_by_username,
)
from features.users.models import EMAIL_TAKEN, USERNAME_TAKEN, UserCreateInternal
from features.verification import crud
from features.verification.models import (
    Confirmation,
    ConfirmationForm,
    LinkRequest,
    RequestForm,
)
from kernel.db import UnitOfWork
from kernel.errors import DuplicateValueException
from kernel.events import emit
from kernel.schemas import Message
from kernel.web import Access, SessionDep, access, translate

ON_ITS_WAY = "If that address waits for its confirmation, another link is on its way."
CONFIRMED = "E-mail address confirmed"
TITLE = "Confirm your e-mail address"

router = APIRouter(tags=["verification"], dependencies=[Depends(mail_is_on)])
guarded = [Depends(refuse_cross_site)]


@router.post("/email/verification", status_code=202, response_model=Message, dependencies=guarded)
@access(Access.PUBLIC)
async def request_verification(values: LinkRequest, request: Request, db: SessionDep) -> Message:
    """Ask for another link to confirm the address of a new account.

    The answer is the same whether the address waits for one or not.
    """
    await count_request(request, values.email)
    await crud.ask_again(db, values.email)
    return Message(message=ON_ITS_WAY)


@router.post("/email/confirmation", response_model=Message, dependencies=guarded)
@access(Access.PUBLIC)
async def confirm_email(values: Confirmation, request: Request, db: SessionDep) -> Message:
    """Confirm an address by the code of a link that was mailed to it, which works once."""
    await _confirm(request, db, values.token.get_secret_value())
    return Message(message=CONFIRMED)


@router.get("/email/verification/form", **PAGE)
@access(Access.PUBLIC)
async def read_verification_form() -> HTMLResponse:
    """Show the page on which a person asks for another link."""
    return _request_page()


@router.post("/email/verification/form", dependencies=guarded, **PAGE)
@access(Access.PUBLIC)
async def submit_verification_form(
    form: Annotated[RequestForm, Form()], request: Request, db: SessionDep
) -> HTMLResponse:
    """Ask for another link, as the page's form does."""
    try:
        await request_verification(LinkRequest(email=form.email), request, db)
    except ValidationError:
        return _request_page(form.email, "That is no e-mail address.", 422)
    except MISTAKES as mistake:
        return _request_page(form.email, mistake.detail, mistake.status_code)
    return page(TITLE, ON_ITS_WAY)


@router.get("/email/confirmation/form", **PAGE)
@access(Access.PUBLIC)
async def read_confirmation_form() -> HTMLResponse:
    """Show the page that the mailed link leads to. It uses nothing up."""
    return _confirmation_page()


@router.post("/email/confirmation/form", dependencies=guarded, **PAGE)
@access(Access.PUBLIC)
async def submit_confirmation_form(
    form: Annotated[ConfirmationForm, Form()], request: Request, db: SessionDep
) -> HTMLResponse:
    """Confirm an address, as the page's form does."""
    token = form.token.get_secret_value()
    try:
        await _confirm(request, db, token)
    except Exception as raised:
        mistake = translate(raised)
        if not isinstance(mistake, MISTAKES):
            raise
        db.raised = raised  # for the unit, which is undone, although a page is answered
        return _confirmation_page(token, mistake.detail, mistake.status_code)
    return page(CONFIRMED, "Thank you. You can close this page.")


async def _confirm(request: Request, db: UnitOfWork, token: str) -> None:
    link = await find_link(request, db, token, *crud.LINKS)
    if link.purpose == crud.REGISTER:
        await _make_account(request, db, token, link)
    elif link.purpose == crud.CHANGE:
        await _change_address(request, db, token, link)
    else:
        await _confirm_account(request, db, token, link)


async def _confirm_account(request: Request, db: UnitOfWork, token: str, link: Link) -> None:
    # The account first, then its links: all that do so wait for each other in one order.
    if await change_user(db, link.subject_id, {}) is None:
        raise refused_link(request, link.purpose)
    await use_link(request, db, token, link.purpose)
    await emit(db, AddressConfirmed(link.subject_id))
    record_after_commit(db, "address confirmed", request, user=link.subject_id)


async def _make_account(request: Request, db: UnitOfWork, token: str, link: Link) -> None:
    await use_link(request, db, token, link.purpose)
    waiting = await crud.take_registration.one(db, registration_id=link.subject_id)
    if waiting is None:
        raise refused_link(request, link.purpose)
    if await id_by_email.scalar(db, email=waiting.email) is not None:
        raise DuplicateValueException(EMAIL_TAKEN)
    if await id_by_username.scalar(db, username=waiting.username) is not None:
        raise DuplicateValueException(USERNAME_TAKEN)
    user_id = await create_user(db, UserCreateInternal(**waiting.model_dump()))
    await emit(db, AddressConfirmed(user_id))
    record_after_commit(db, "address confirmed", request, user=user_id)


async def _change_address(request: Request, db: UnitOfWork, token: str, link: Link) -> None:
    account = await account_by_id.one(db, user_id=link.subject_id)
    holder = await id_by_email.scalar(db, email=link.email)
    if holder is not None and holder != link.subject_id:
        raise DuplicateValueException(EMAIL_TAKEN)
    # The account first, as above.
    if account is None or not await change_user(db, account.id, {"email": link.email}):
        raise refused_link(request, link.purpose)
    await use_link(request, db, token, link.purpose)
    await withdraw_links(db, account.id, crud.CHANGE)
    if account.email and await crud.unverified.scalar(db, user_id=account.id) is None:
        await send_notice(db, crud.ADDRESS_CHANGED, account.email)
    await emit(db, AddressConfirmed(account.id))
    record_after_commit(db, "address changed", request, user=account.id)


def _request_page(email: str = "", problem: str = "", status: int = 200) -> HTMLResponse:
    text = "We mail another link to an address that waits for its confirmation. It works once."
    field = email_field(email)
    return page(TITLE, text, field, action="Send the link", problem=problem, status=status)


def _confirmation_page(token: str = "", problem: str = "", status: int = 200) -> HTMLResponse:
    text = "Confirm it only if you have registered or changed your address yourself."
    field = code_field(token)
    return page(TITLE, text, field, action="Confirm", problem=problem, status=status)
