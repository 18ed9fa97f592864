"""Routes of login, refresh, logout and the caller's sessions."""

from typing import Annotated

from fastapi import APIRouter, Cookie, Depends, Query, Request, Response
from fastapi.security import OAuth2PasswordRequestForm

from features.auth import crud, sessions
from features.auth.credentials import account_of
from features.auth.devices import device_label
from features.auth.models import SessionQuery, SessionRead, Token
from features.auth.passwords import hash_password, needs_new_hash
from features.auth.permissions import CurrentUser, SessionOwner
from features.auth.security_log import record_after_commit
from features.auth.sessions import Tokens
from features.auth.settings import AuthSettings
from features.auth.tokens import Kind, signer
from features.users.crud import upgrade_hash
from kernel.context import context_of
from kernel.db import JSONBytesResponse, pages_of
from kernel.errors import (
    NotFoundException,
    ServiceUnavailableException,
    UnauthorizedException,
)
from kernel.schemas import Message, PathId
from kernel.web import CHALLENGE, Access, SessionDep, access

WRONG = "Wrong username, email or password."
NO_COOKIE = "Refresh token missing."
BAD_COOKIE = "Invalid refresh token."
SESSION_NOT_FOUND = "Session not found"
COOKIE = "refresh_token"
ATTEMPTS = 3

router = APIRouter(tags=["auth"])
RefreshCookie = Annotated[str | None, Cookie(alias=COOKIE)]


@router.post("/login", response_model=Token)
@access(Access.PUBLIC)
async def login(
    form: Annotated[OAuth2PasswordRequestForm, Depends()],
    request: Request,
    response: Response,
    db: SessionDep,
) -> Token:
    """Log in with a username or an e-mail address, and a password.

    Returns an access token; the refresh token is set as an HttpOnly cookie.
    """
    device = device_label(request.headers.get("user-agent", ""))
    address = context_of(request).address
    for _ in range(ATTEMPTS):
        account = await account_of(request, db, form.username, form.password)
        if account is None:
            raise UnauthorizedException(WRONG, headers=CHALLENGE)
        old_hash = account.hashed_password
        if needs_new_hash(db, old_hash):
            # Before the session: it shares the user's row, and two who share it and then both
            # want to change it would wait for each other.
            new_hash = await hash_password(db, form.password)
            await upgrade_hash(db, account.id, old_hash, new_hash)
        tokens = await sessions.open_for(db, account, device=device, address=address)
        if tokens is not None:
            record_after_commit(db, "login", request, user=account.id, session=tokens.session_id)
            return _hand_out(tokens, response, db)
        # The account was changed while the password was checked: the password perhaps.
    raise ServiceUnavailableException("The account is being changed; try again shortly.")


@router.post("/refresh", response_model=Token)
@access(Access.PUBLIC)
async def refresh(
    request: Request, response: Response, db: SessionDep, refresh_token: RefreshCookie = None
) -> Token:
    """Exchange the refresh cookie for a new access token and a new cookie.

    For ten seconds, the old cookie still gives the same new one; used later, it ends the session.
    """
    if not refresh_token:
        raise UnauthorizedException(NO_COOKIE, headers=CHALLENGE)
    tokens, reused = await sessions.refresh(db, refresh_token)
    if tokens is None:
        if reused is not None:
            facts = {"user": reused.user_id, "session": reused.session_id}
            record_after_commit(db, "refresh token reused", request, **facts)
        # Commits, since the reuse of a token has ended its session.
        raise UnauthorizedException(BAD_COOKIE, headers=CHALLENGE, commits=True)
    return _hand_out(tokens, response, db)


@router.post("/logout", response_model=Message)
async def logout(
    request: Request,
    response: Response,
    caller: CurrentUser,
    db: SessionDep,
    refresh_token: RefreshCookie = None,
) -> Message:
    """End your session. Its access token and its refresh token stop working at once."""
    ending = [caller.session_id]
    claims = refresh_token and signer(db.resources.settings).read(refresh_token, Kind.REFRESH)
    if claims and claims.session_id != caller.session_id:
        # The browser forgets that cookie now, so its session couldn't be ended any more.
        ending.append(claims.session_id)
    for session_id in ending:
        await sessions.end(db, session_id, of=caller.user_id, reason="logout")
    record_after_commit(db, "logout", request, user=caller.user_id, sessions=ending)
    _clear_cookie(response, db)
    return Message(message="Logged out successfully")


@router.post("/logout/all", response_model=Message)
async def logout_all(
    request: Request,
    response: Response,
    caller: CurrentUser,
    db: SessionDep,
    keep_current: Annotated[bool, Query(description="Leave this session as it is.")] = False,
) -> Message:
    """End all of your sessions, on every device."""
    kept = caller.session_id if keep_current else None
    ended = await sessions.end_all(db, caller.user_id, reason="logout", kept=kept)
    record_after_commit(db, "logout", request, user=caller.user_id, sessions=ended)
    if not keep_current:
        _clear_cookie(response, db)
    return Message(message="Logged out successfully")


@router.get("/sessions", response_model=pages_of(SessionRead))
async def read_sessions(
    query: Annotated[SessionQuery, Query()], caller: CurrentUser, db: SessionDep
) -> JSONBytesResponse:
    """List your sessions: every login that is still active."""
    return await crud.listing.answer(
        db, query, user_id=caller.user_id, session_id=caller.session_id
    )


@router.delete("/session/{id}", response_model=Message)
async def erase_session(
    id: PathId, request: Request, owner: SessionOwner, db: SessionDep
) -> Message:
    """End one of your sessions or, as a superuser, anybody's."""
    user_id = await sessions.end(db, id, of=owner, reason="revoked")
    if user_id is None:
        raise NotFoundException(SESSION_NOT_FOUND)
    record_after_commit(db, "session revoked", request, user=user_id, session=id)
    return Message(message="Session ended")


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


def _clear_cookie(response: Response, db: SessionDep) -> None:
    samesite = db.resources.settings.group(AuthSettings).refresh_cookie_samesite
    response.delete_cookie(COOKIE, secure=True, httponly=True, samesite=samesite)
