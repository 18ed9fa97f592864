"""Routes of login, refresh and logout."""

from typing import Annotated

from fastapi import Cookie, Depends, Request, Response
from fastapi.security import OAuth2PasswordRequestForm

from features.auth import sessions
from features.auth.credentials import account_of
from features.auth.devices import device_label
from features.auth.models import Token
from features.auth.permissions import CurrentUser
from features.auth.sessions import Tokens
from features.auth.settings import AuthSettings
from features.auth.tokens import Kind, signer
from kernel.context import context_of
from kernel.errors import ServiceUnavailableException, UnauthorizedException
from kernel.identity import CHALLENGE
from kernel.openapi import answers
from kernel.routing import Router, SessionDep
from kernel.shapes import Message

WRONG = "Wrong username, email or password."
NO_COOKIE = "Refresh token missing."
BAD_COOKIE = "Invalid refresh token."
COOKIE = "refresh_token"
ATTEMPTS = 3

router = Router(tags=["auth"])
RefreshCookie = Annotated[str | None, Cookie(alias=COOKIE)]


@router.post("/login", response_model=Token, responses=answers({401: [WRONG]}))
async def login(
    form: Annotated[OAuth2PasswordRequestForm, Depends()],
    request: Request,
    response: Response,
    db: SessionDep,
) -> Token:
    """Open a session with a username or e-mail and a password.

    Answers an access token; the refresh token comes in an HttpOnly cookie.
    """
    device = device_label(request.headers.get("user-agent", ""))
    for _ in range(ATTEMPTS):
        account = await account_of(db, form.username, form.password)
        if account is None:
            raise UnauthorizedException(WRONG, headers=CHALLENGE)
        tokens = await sessions.open_for(
            db, account, device=device, address=context_of(request).address
        )
        # None: the account was changed while the password was checked, the password perhaps.
        if tokens is not None:
            return _hand_out(tokens, response, db)
    raise ServiceUnavailableException("The account is being changed; try again shortly.")


@router.post("/refresh", response_model=Token, responses=answers({401: [NO_COOKIE, BAD_COOKIE]}))
async def refresh(response: Response, db: SessionDep, refresh_token: RefreshCookie = None) -> Token:
    """Exchange the refresh cookie for a new access token and a new cookie.

    Parallel exchanges of one cookie get the same successor for ten seconds; a later use of it
    ends the session.
    """
    if not refresh_token:
        raise UnauthorizedException(NO_COOKIE, headers=CHALLENGE)
    tokens, _reused = await sessions.refresh(db, refresh_token)
    if tokens is None:
        # Commits, since the reuse of a token has ended its session.
        raise UnauthorizedException(BAD_COOKIE, headers=CHALLENGE, commits=True)
    return _hand_out(tokens, response, db)


@router.post("/logout", response_model=Message)
async def logout(
    response: Response, caller: CurrentUser, db: SessionDep, refresh_token: RefreshCookie = None
) -> Message:
    """End the session: its access and refresh tokens are dead at once."""
    await sessions.end(db, caller.user_id, caller.session_id, reason="logout")
    claims = refresh_token and signer(db.resources.settings).read(refresh_token, Kind.REFRESH)
    if claims and claims.user_id == caller.user_id and claims.session_id != caller.session_id:
        # The browser forgets that cookie now, so nobody could end its session any more.
        await sessions.end(db, claims.user_id, claims.session_id, reason="logout")
    samesite = db.resources.settings.group(AuthSettings).refresh_cookie_samesite
    response.delete_cookie(COOKIE, secure=True, httponly=True, samesite=samesite)
    return Message(message="Logged out successfully")


def _hand_out(tokens: Tokens, response: Response, db: SessionDep) -> Token:
    settings = db.resources.settings.group(AuthSettings)
    response.set_cookie(
        COOKIE,
        tokens.refresh,
        max_age=int(settings.refresh_lifetime.total_seconds()),
        secure=True,
        httponly=True,
        samesite=settings.refresh_cookie_samesite,
    )
    return Token(access_token=tokens.access)
