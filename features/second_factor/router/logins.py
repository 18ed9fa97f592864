"""Routes of the login's second step, and of logins by a passkey alone."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from features.auth.cookies import refresh_cookie
from features.auth.cross_site import refuse_cross_site
from features.auth.logins import log_in
from features.auth.models import Token
from features.second_factor import ceremonies, crud, tickets
from features.second_factor.inputs import LoginProof, PasskeyLogin, TicketOnly
from features.second_factor.models import PasskeyOptions
from features.second_factor.permissions.proofs import counting, passkey_owner
from features.second_factor.permissions.steps import refused, take_proof
from features.second_factor.relying_party import relying_party
from features.users.crud import account_by_id
from features.users.models import Account
from kernel.db import UnitOfWork
from kernel.errors import ServiceUnavailableException
from kernel.web import Access, SessionDep, access

CHANGING = "The account is being changed; try again shortly."

router = APIRouter(dependencies=[Depends(refuse_cross_site)])
RefreshCookie = Annotated[str | None, Depends(refresh_cookie)]


@router.post("/login/factor", response_model=Token)
@access(Access.PUBLIC)
async def login_by_factor(
    values: LoginProof,
    request: Request,
    response: Response,
    db: SessionDep,
    replaced: RefreshCookie,
) -> Token:
    """Finish a login that POST /login has answered with a ticket: by a code of the authenticator
    app, a recovery code, or a passkey that has signed what POST /login/factor/options gave.

    The answer is that of a login. A wrong code leaves the ticket a few more attempts.
    """
    ticket = values.ticket.get_secret_value()
    account = await take_proof(request, db, ticket, values)
    return await _logged_in(request, response, db, account, replaced)


@router.post("/login/factor/options", response_model=PasskeyOptions)
@access(Access.PUBLIC)
async def begin_login_by_factor(
    values: TicketOnly, request: Request, db: SessionDep
) -> PasskeyOptions:
    """Get what `navigator.credentials.get()` takes, to finish a login by one of the account's
    passkeys."""
    # Right ones too: each call is a row, and a ticket is good for minutes.
    async with counting(request, "passkey options"):
        user_id = await tickets.holder_of(db, values.ticket.get_secret_value(), "api")
    if user_id is None:
        raise refused()
    known = await crud.credential_ids(db, user_id)
    challenge = await tickets.new_challenge(db, "ticket", user_id)
    party = relying_party(db.resources.settings)
    return PasskeyOptions(publicKey=ceremonies.request_options(party, challenge, known))


@router.post("/login/passkey/options", response_model=PasskeyOptions)
@access(Access.PUBLIC)
async def begin_login_by_passkey(request: Request, db: SessionDep) -> PasskeyOptions:
    """Get what `navigator.credentials.get()` takes, to log in by a passkey alone."""
    async with counting(request, "passkey options"):
        challenge = await tickets.new_challenge(db, "login", None)
    party = relying_party(db.resources.settings)
    return PasskeyOptions(publicKey=ceremonies.request_options(party, challenge))


@router.post("/login/passkey", response_model=Token)
@access(Access.PUBLIC)
async def login_by_passkey(
    values: PasskeyLogin,
    request: Request,
    response: Response,
    db: SessionDep,
    replaced: RefreshCookie,
) -> Token:
    """Log in by a passkey, which takes the place of the password and of the second factor.

    The answer is that of a login.
    """
    account: Account | None = None
    async with counting(request, "passkey") as guess:
        user_id = await passkey_owner(request, db, values.passkey, "login", None)
        if user_id is not None:
            account = await account_by_id.one(db, user_id=user_id)
        guess.right = account is not None
    if account is None:
        raise refused()
    return await _logged_in(request, response, db, account, replaced)


async def _logged_in(
    request: Request, response: Response, db: UnitOfWork, account: Account, replaced: str | None
) -> Token:
    token = await log_in(request, response, db, account, replaced)
    if token is None:
        raise ServiceUnavailableException(CHANGING)
    return token
