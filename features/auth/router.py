"""Routes of login, refresh, logout and the caller's sessions."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.security import OAuth2PasswordRequestForm

from features.auth import crud, sessions
from features.auth.cookies import clear_refresh_cookies, refresh_cookie, set_refresh_cookie
from features.auth.credentials import account_of, refuse_busy_address
from features.auth.cross_site import refuse_cross_site
from features.auth.further_step import ask_further_step
from features.auth.logins import log_in, refresh_claims
from features.auth.models import SessionQuery, SessionRead, StepUp, Token
from features.auth.passwords import hash_password, needs_new_hash
from features.auth.permissions import CurrentSession, OptionalUser, SessionOwner
from features.auth.security_log import record_after_commit
from features.auth.step_up import (
    check_current_password,
    note_password,
    refuse_password_alone,
)
from features.users.crud import account_by_id, upgrade_hash
from kernel.context import context_of
from kernel.db import JSONBytesResponse, pages_of
from kernel.errors import (
    NotFoundException,
    ServiceUnavailableException,
    UnauthorizedException,
)
from kernel.rate_limit import network_of, spend_write
from kernel.schemas import Message, PathId
from kernel.web import CHALLENGE, Access, SessionDep, access, error_responses, unauthenticated

WRONG = "Wrong username, email or password."
NO_COOKIE = "Refresh token missing."
BAD_COOKIE = "Invalid refresh token."
SESSION_NOT_FOUND = "Session not found"
CHANGING = "The account is being changed; try again shortly."
ATTEMPTS = 3

router = APIRouter(tags=["auth"])
RefreshCookie = Annotated[str | None, Depends(refresh_cookie)]
guarded = [Depends(refuse_cross_site)]


# Before the form is validated, too: what an attack costs is what its refusals cost.
@router.post("/login", response_model=Token, dependencies=[*guarded, Depends(refuse_busy_address)])
@access(Access.PUBLIC)
async def login(
    form: Annotated[OAuth2PasswordRequestForm, Depends()],
    request: Request,
    response: Response,
    db: SessionDep,
    replaced: RefreshCookie,
) -> Token:
    """Log in with a username or an e-mail address, and a password.

    Returns an access token; the refresh token is set as an HttpOnly cookie. The session of the
    cookie that it replaces ends.
    """
    address = network_of(context_of(request).address)
    for _ in range(ATTEMPTS):
        account = await account_of(request, db, form.username, form.password)
        if account is None:
            raise UnauthorizedException(WRONG, headers=CHALLENGE)
        old_hash = account.hashed_password
        if old_hash and needs_new_hash(db, old_hash):
            # Before the session: it shares the user's row, and two who share it and then both
            # want to change it would wait for each other.
            new_hash = await hash_password(db, form.password, address)
            await upgrade_hash(db, account.id, old_hash, new_hash)
        await ask_further_step(request, db, account)
        token = await log_in(request, response, db, account, replaced)
        if token is not None:
            return token
        # The account was changed while the password was checked: the password perhaps.
    raise ServiceUnavailableException(CHANGING)


@router.post("/step-up", response_model=Message, dependencies=guarded)
async def step_up(
    values: StepUp, request: Request, caller: CurrentSession, db: SessionDep
) -> Message:
    """Enter your password again, which the acts that matter most need.

    An account with a second factor is confirmed by that instead.
    """
    await refuse_password_alone(db, caller.user_id)
    account = await account_by_id.one(db, user_id=caller.user_id)
    if account is None:
        raise unauthenticated(request)
    await check_current_password(request, db, account, values.password.get_secret_value())
    if not await note_password(db, caller, account.version):
        raise ServiceUnavailableException(CHANGING)
    record_after_commit(db, "password confirmed", request, user=caller.user_id)
    return Message(message="Password confirmed")


@router.post(
    "/refresh",
    response_model=Token,
    dependencies=guarded,
    responses=error_responses({401: [NO_COOKIE, BAD_COOKIE]}),
)
@access(Access.PUBLIC)
async def refresh(
    request: Request, response: Response, db: SessionDep, refresh_token: RefreshCookie
) -> Token:
    """Exchange the refresh cookie for a new access token and a new cookie.

    For ten seconds, the old cookie still gives the same new one; used later, it ends the session.
    """
    if not refresh_token:
        raise UnauthorizedException(NO_COOKIE, headers=CHALLENGE)
    claims = refresh_claims(db, refresh_token)
    if claims is None:
        raise UnauthorizedException(BAD_COOKIE, headers=CHALLENGE)
    spend_write(request, claims.user_id)
    tokens, reused = await sessions.refresh(db, claims)
    if tokens is None:
        if reused:
            facts = {"user": claims.user_id, "session": claims.session_id}
            record_after_commit(db, "refresh token reused", request, **facts)
        # Commits, since the reuse of a token has ended its session.
        raise UnauthorizedException(BAD_COOKIE, headers=CHALLENGE, commits=True)
    set_refresh_cookie(request, response, tokens.refresh)
    return Token(access_token=tokens.access)


@router.post(
    "/logout",
    response_model=Message,
    dependencies=guarded,
    responses=error_responses({401: ["Not authenticated", "User not authenticated."]}),
)
async def logout(
    request: Request,
    response: Response,
    caller: OptionalUser,
    db: SessionDep,
    refresh_token: RefreshCookie,
) -> Message:
    """End the session of your access token, that of your refresh cookie, or both.

    Their tokens stop working at once.
    """
    # The browser forgets the cookie now, so its session couldn't be ended any more.
    named = [one for one in (caller, refresh_claims(db, refresh_token)) if one is not None]
    ending = {one.session_id: one.user_id for one in named}
    for session_id, user_id in list(ending.items()):
        if await sessions.end(db, session_id, of=user_id, reason="logout") is None:
            del ending[session_id]  # it is over already
    if not ending:
        raise unauthenticated(request)
    for user_id in set(ending.values()):
        ended = [one for one, owner in ending.items() if owner == user_id]
        record_after_commit(db, "logout", request, user=user_id, sessions=ended)
    clear_refresh_cookies(request, response)
    return Message(message="Logged out successfully")


@router.post("/logout/all", response_model=Message)
async def logout_all(
    request: Request,
    response: Response,
    caller: CurrentSession,
    db: SessionDep,
    keep_current: Annotated[bool, Query(description="Leave this session as it is.")] = False,
) -> Message:
    """End all of your sessions, on every device."""
    kept = caller.session_id if keep_current else None
    ended = await sessions.end_all(db, caller.user_id, reason="logout", kept=kept)
    record_after_commit(db, "logout", request, user=caller.user_id, sessions=ended)
    if not keep_current:
        clear_refresh_cookies(request, response)
    return Message(message="Logged out successfully")


@router.get("/sessions", response_model=pages_of(SessionRead))
async def read_sessions(
    query: Annotated[SessionQuery, Query()], caller: CurrentSession, db: SessionDep
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
