"""Routes of accounts."""

from typing import Annotated, Any

from fastapi import Query, Request

from features.auth.passwords import hash_password, verify_password
from features.auth.permissions import (
    USER_NOT_FOUND,
    CurrentUser,
    OptionalUser,
    OwnPathUser,
    SuperUser,
    UsernameInPath,
)
from features.users import crud
from features.users.events import PasswordChanged
from features.users.models import (
    EMAIL_TAKEN,
    USERNAME_TAKEN,
    UserCreate,
    UserCreateInternal,
    UserQuery,
    UserRead,
    UserUpdate,
    as_seen_by,
)
from kernel.errors import (
    ConflictException,
    DuplicateValueException,
    ForbiddenException,
    NotFoundException,
    UnprocessableEntityException,
)
from kernel.events import emit
from kernel.identity import NOT_YOURS, PRIVILEGES, Principal
from kernel.openapi import answers
from kernel.pages import pages_of
from kernel.routing import Router, SessionDep, reserved_names
from kernel.shapes import Message
from kernel.statements import Row

WRONG_PASSWORD = "Wrong current password."  # noqa: S105 - a message
LAST_SUPERUSER = "The last superuser can't be removed."

router = Router(tags=["users"])


@router.post(
    "/user",
    status_code=201,
    response_model=UserRead,
    responses=answers({422: [EMAIL_TAKEN, USERNAME_TAKEN]}),
)
async def write_user(values: UserCreate, request: Request, db: SessionDep) -> Row:
    """Register an account."""
    hashed = await hash_password(db, values.password.get_secret_value())
    if _is_reserved(request, values.username):
        await _refuse_name(db, values.email)
    user = UserCreateInternal(
        name=values.name, username=values.username, email=values.email, hashed_password=hashed
    )
    user_id = await crud.create_user(db, user)
    stored = await crud.user_by_id.one(db, user_id=user_id)
    assert stored is not None
    return stored


@router.get("/users", response_model=pages_of(UserRead))
async def read_users(
    query: Annotated[UserQuery, Query()], caller: OptionalUser, db: SessionDep
) -> dict[str, Any]:
    """List the users. Only superusers see, sort and filter by e-mail."""
    by_email = query.email is not None or query.sort.lstrip("-") == "email"
    if by_email and not (caller and caller.is_superuser):
        raise ForbiddenException(PRIVILEGES)
    page = await crud.listing.page(db, query)
    for user in page["data"]:
        as_seen_by(caller, user)
    return page


@router.get("/user/me/", response_model=UserRead)
@router.get("/user/me", response_model=UserRead, include_in_schema=False)
async def read_user_me(caller: CurrentUser, db: SessionDep) -> Row:
    """Show the caller's own account."""
    user = await crud.user_by_id.one(db, user_id=caller.user_id)
    if user is None:
        raise NotFoundException(USER_NOT_FOUND)
    return user


@router.get("/user/{username}", response_model=UserRead, responses=answers({404: [USER_NOT_FOUND]}))
async def read_user(username: UsernameInPath, caller: OptionalUser, db: SessionDep) -> Row:
    """Show a user; the e-mail only to that user and to superusers."""
    user = await crud.user_by_username.one(db, username=username)
    if user is None:
        raise NotFoundException(USER_NOT_FOUND)
    return as_seen_by(caller, user)


@router.patch(
    "/user/{username}",
    response_model=Message,
    responses=answers(
        {
            403: [NOT_YOURS],
            404: [USER_NOT_FOUND],
            422: [EMAIL_TAKEN, USERNAME_TAKEN, WRONG_PASSWORD],
        }
    ),
)
async def patch_user(
    values: UserUpdate, user_id: OwnPathUser, caller: CurrentUser, request: Request, db: SessionDep
) -> Message:
    """Change an account: one's own, or any as a superuser.

    A new password of one's own needs the current one, and ends the other sessions.
    """
    changes = values.model_dump(exclude_unset=True, exclude={"password", "current_password"})
    version = None
    if values.password is not None:
        if user_id == caller.user_id:
            version = await _checked_version(values, user_id, db)
        password = values.password.get_secret_value()
        changes["hashed_password"] = await hash_password(db, password)
    if values.username is not None and _is_reserved(request, values.username):
        await _refuse_name(db, values.email, of=user_id)
    if changes and not await crud.change_user(db, user_id, changes, version):
        raise ConflictException("The account was changed meanwhile; try again.")
    if values.password is not None:
        kept = caller.session_id if user_id == caller.user_id else None
        await emit(db, PasswordChanged(user_id, by_session=kept))
    return Message(message="User updated")


@router.delete(
    "/user/{username}",
    response_model=Message,
    responses=answers({403: [NOT_YOURS], 404: [USER_NOT_FOUND], 409: [LAST_SUPERUSER]}),
)
async def erase_user(user_id: OwnPathUser, caller: CurrentUser, db: SessionDep) -> Message:
    """Delete an account: it becomes invisible, its sessions end, its name and e-mail are free."""
    await _refuse_last_superuser(db, user_id, caller)
    if not await crud.soft_delete_user(db, user_id):
        raise NotFoundException(USER_NOT_FOUND)
    return Message(message="User deleted")


@router.delete(
    "/db_user/{username}",
    response_model=Message,
    responses=answers({404: [USER_NOT_FOUND], 409: [LAST_SUPERUSER]}),
)
async def erase_db_user(username: UsernameInPath, caller: SuperUser, db: SessionDep) -> Message:
    """Remove an account for good, with its posts and sessions: the live one of that name, else
    the one that was deleted last."""
    user = await crud.removable_by_username.one(db, username=username)
    if user is None:
        raise NotFoundException(USER_NOT_FOUND)
    if not user["is_deleted"]:
        await _refuse_last_superuser(db, user["id"], caller)
    await crud.hard_delete_user(db, user["id"])
    return Message(message="User deleted from the database")


def _is_reserved(request: Request, username: str) -> bool:
    return username in reserved_names(request.app.state.feature_routes, "username")


async def _refuse_name(db: SessionDep, email: str | None, of: int | None = None) -> None:
    """Raise for a reserved username, unless the e-mail is what must be named first."""
    holder = email and await crud.id_by_email.scalar(db, email=email)
    raise DuplicateValueException(EMAIL_TAKEN if holder and holder != of else USERNAME_TAKEN)


async def _checked_version(values: UserUpdate, user_id: int, db: SessionDep) -> int:
    """The version of the account that the current password was checked against."""
    account = await crud.account_by_id.one(db, user_id=user_id)
    current = values.current_password.get_secret_value() if values.current_password else ""
    if account is None or not await verify_password(db, current, account["hashed_password"]):
        raise UnprocessableEntityException(WRONG_PASSWORD)
    version: int = account["version"]
    return version


async def _refuse_last_superuser(db: SessionDep, user_id: int, caller: Principal) -> None:
    # Nobody but a superuser can remove one: spare ordinary users the question.
    if caller.is_superuser and await crud.is_last_superuser(db, user_id):
        raise ConflictException(LAST_SUPERUSER)
