"""Routes of accounts."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import SecretStr

from features.auth.password_rules import refuse_guessable
from features.auth.passwords import hash_password
from features.auth.permissions import (
    CurrentUser,
    OptionalUser,
    OwnUserId,
    SuperUser,
    UsernameInPath,
    path_user,
)
from features.auth.security_log import record_after_commit
from features.auth.step_up import note_password, require_recent_password
from features.users import crud, permissions
from features.users.events import EmailChanging, PasswordChanged, Registering
from features.users.models import (
    USER_NOT_FOUND,
    Account,
    RoleUpdate,
    UserCreate,
    UserCreateInternal,
    UserQuery,
    UserRead,
    UserRemoved,
    UserUpdate,
    as_seen_by,
)
from kernel.cache import public
from kernel.context import context_of
from kernel.db import CursorPage, JSONBytesResponse, Page, UnitOfWork, pages_of
from kernel.errors import (
    ConflictException,
    ForbiddenException,
    NotFoundException,
)
from kernel.events import emit
from kernel.rate_limit import network_of
from kernel.schemas import Message, RowId
from kernel.web import PRIVILEGES, Access, ReplicaSession, SessionDep, access

EMAIL_WAITS = "User updated; the new e-mail address waits for its confirmation"
CHANGED_MEANWHILE = "The account was changed meanwhile; try again."

router = APIRouter(tags=["users"])


@router.post("/user", status_code=201, response_model=UserRead)
@access(Access.PUBLIC)
async def write_user(values: UserCreate, request: Request, db: SessionDep) -> UserRead:
    """Register an account."""
    await permissions.count_registration(request)
    password = values.password.get_secret_value()
    refuse_guessable(password, **values.model_dump(include=set(permissions.NAMES)))
    hashed = await hash_password(db, password, network_of(context_of(request).address))
    user = UserCreateInternal(
        name=values.name, username=values.username, email=values.email, hashed_password=hashed
    )
    registering = Registering(user)
    await emit(db, registering)
    if registering.answer is not None:
        # An account that is made later, by its address: whether that is taken, nothing says.
        await permissions.refuse_reserved_name(request, db, values.username, None)
        record_after_commit(db, "registration", request, user=registering.answer.id)
        return registering.answer
    await permissions.refuse_reserved_name(request, db, values.username, values.email)
    user_id = await crud.create_user(db, user)
    record_after_commit(db, "registration", request, user=user_id)
    stored = await crud.user_by_id.one(db, user_id=user_id)
    assert stored is not None
    return stored


@router.get("/users", response_model=pages_of(UserRead))
@public
async def read_users(
    query: Annotated[UserQuery, Query()], caller: OptionalUser, db: ReplicaSession
) -> JSONBytesResponse | Page[UserRead] | CursorPage[UserRead]:
    """List users. Only superusers see others' e-mail addresses, and sort and filter by them."""
    by_email = query.email is not None or query.sort.lstrip("-") == "email"
    if by_email and not (caller and caller.is_superuser):
        raise ForbiddenException(PRIVILEGES)
    if caller is None:
        return await crud.listing.answer(db, query, hide=["email"])
    page = await crud.listing.page(db, query)
    for user in page.data:
        if not caller.is_superuser and user.id != caller.user_id:
            user.email = None
    return page


@router.get("/user/me/", response_model=UserRead)
@router.get("/user/me", response_model=UserRead, include_in_schema=False)
async def read_user_me(caller: CurrentUser) -> JSONBytesResponse:
    """Show your own account."""
    return JSONBytesResponse(caller.shown)


@router.get("/user/{username}", response_model=UserRead)
@public
async def read_user(username: UsernameInPath, caller: OptionalUser, db: SessionDep) -> UserRead:
    """Show a user. Only that user and superusers see the e-mail address."""
    user = await crud.user_by_username.one(db, username=username)
    if user is None:
        raise NotFoundException(USER_NOT_FOUND)
    return as_seen_by(caller, user)


@router.patch("/user/{username}", response_model=Message)
async def patch_user(
    values: UserUpdate, user_id: OwnUserId, caller: CurrentUser, request: Request, db: SessionDep
) -> Message:
    """Change your account or, as a superuser, anybody's.

    To change your own password, give the current one, too; your other sessions end. A new e-mail
    address, and another's password, need a password entered lately: here or by POST /step-up.
    """
    changes = values.model_dump(exclude_unset=True, exclude={"current_password"})
    password: SecretStr | None = changes.pop("password", None)
    account: Account | None = None
    version: int | None = None
    own, checked = user_id == caller.user_id, False
    if password is not None or "email" in changes:
        account = await crud.account_by_id.one(db, user_id=user_id)
        if account is None:
            raise NotFoundException(USER_NOT_FOUND)
        checked = await permissions.require_password(request, db, caller, account, values)
        version = account.version
    if password is not None and account is not None:
        changes |= await permissions.new_password(request, db, account, changes, password)
    if "username" in changes:
        await permissions.refuse_reserved_name(
            request, db, changes["username"], changes.get("email"), user_id
        )
    waits = account is not None and await _email_waits(db, account, changes, own)
    if await crud.change_user(db, user_id, changes, version) is None:
        raise ConflictException(CHANGED_MEANWHILE) if version else NotFoundException(USER_NOT_FOUND)
    if checked and version:
        await note_password(db, caller, version + 1)
    if password is not None:
        await emit(db, PasswordChanged(user_id, caller.session_id if own else None))
        record_after_commit(db, "password changed", request, user=user_id)
    return Message(message=EMAIL_WAITS if waits else "User updated")


async def _email_waits(
    db: UnitOfWork, account: Account, changes: dict[str, Any], own: bool
) -> bool:
    """Whether a new address is to be confirmed first; then it is taken out of the changes."""
    old, new = account.email or "", changes.get("email")
    if new is None or new.lower() == old.lower():
        return False
    changing = EmailChanging(account.id, old, new, own)
    await emit(db, changing)
    if changing.waits:
        del changes["email"]
    return changing.waits


@router.delete("/user/{username}", response_model=Message)
async def erase_user(
    user_id: OwnUserId, caller: CurrentUser, request: Request, db: SessionDep
) -> Message:
    """Delete your account or, as a superuser, anybody's.

    It becomes invisible, its sessions end, and others may take its username and e-mail address.
    """
    await require_recent_password(db, caller)
    await permissions.removable_user(db, user_id)
    await crud.soft_delete_user(db, user_id)
    record_after_commit(db, "user deleted", request, user=user_id)
    return Message(message="User deleted")


@router.delete("/db_user/{username}", response_model=UserRemoved)
async def erase_db_user(
    username: UsernameInPath,
    caller: SuperUser,
    request: Request,
    db: SessionDep,
    id: Annotated[RowId | None, Query(description="Which of those that had the name.")] = None,
) -> UserRemoved:
    """Delete an account for good, with all that belongs to it.

    Without `id`: if no account has that name now, the last one that had it is meant.
    """
    if id is None:
        found = await crud.last_user_of_name.one(db, username=username)
    else:
        found = await crud.named_user.one(db, username=username, user_id=id)
    if found is None:
        raise NotFoundException(USER_NOT_FOUND)
    await require_recent_password(db, caller)
    user = await permissions.removable_user(db, found.id, deleted_too=True)
    await crud.hard_delete_user(db, user)
    record_after_commit(db, "user removed for good", request, user=user.user_id)
    return UserRemoved(
        message="User deleted from the database", id=user.user_id, username=user.username
    )


@router.patch("/user/{username}/role", response_model=Message)
async def patch_user_role(
    values: RoleUpdate,
    username: UsernameInPath,
    caller: SuperUser,
    request: Request,
    db: SessionDep,
) -> Message:
    """Make a user a superuser, or an ordinary user again."""
    user_id = await path_user(username, db)
    await require_recent_password(db, caller)
    if not values.is_superuser:
        await permissions.removable_user(db, user_id)
    if await crud.change_user(db, user_id, {"is_superuser": values.is_superuser}) is None:
        raise NotFoundException(USER_NOT_FOUND)
    record_after_commit(db, "role changed", request, user=user_id, is_superuser=values.is_superuser)
    return Message(message=f"User {username} Role updated")
