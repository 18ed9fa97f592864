"""The first superuser, from ADMIN_*, when there is none."""

import structlog
from sqlalchemy import func, select
from sqlmodel import col

from features.auth.passwords import hash_password, verify_password
from features.users.crud import LIVE, create_user, crud_users, id_by_email, id_by_username
from features.users.models import User, UserCreateInternal
from features.users.settings import AdminSettings
from kernel.config import AppSettings, SettingsError
from kernel.db import UnitOfWork

log = structlog.get_logger(__name__)

LOCK = 0x5EED  # any constant; by hand, since it is a lock: one seed at a time


async def seed(db: UnitOfWork) -> None:
    """Make the superuser of ADMIN_*, unless there is a superuser already.

    Raises SettingsError when ADMIN_PASSWORD is missing, when no account can have such names, or
    when the name is taken.
    """
    await db.execute(select(func.pg_advisory_xact_lock(LOCK)))
    if await crud_users.exists(db, is_superuser=True):
        await _tell_of_another_password(db)
        return
    settings = db.resources.settings.group(AdminSettings)
    if settings.admin_password is None:
        raise SettingsError("ADMIN_PASSWORD is missing: the first superuser is made with it.")
    if incompatibilities := list(settings.incompatibilities()):
        raise SettingsError("The first superuser can't be made: " + "; ".join(incompatibilities))
    by_name = await id_by_username.scalar(db, username=settings.admin_username)
    if by_name or await id_by_email.scalar(db, email=settings.admin_email):
        raise SettingsError(
            "ADMIN_USERNAME or ADMIN_EMAIL belongs to an account that is no superuser: choose "
            f"others, or type `hatch run superuser {settings.admin_username} --grant`."
        )
    user = UserCreateInternal(
        name=settings.admin_name,
        username=settings.admin_username,
        email=settings.admin_email,
        hashed_password=await hash_password(db, settings.admin_password.get_secret_value()),
        is_superuser=True,
    )
    await create_user(db, user)
    log.info("superuser made", username=user.username)


async def _tell_of_another_password(db: UnitOfWork) -> None:
    """In local, where dev shows the password: say so if it is not a password of an account."""
    settings = db.resources.settings.group(AdminSettings)
    local = db.resources.settings.group(AppSettings).environment == "local"
    if not local or settings.admin_password is None:
        return
    kept = await db.scalar(
        select(col(User.hashed_password)).where(
            col(User.username) == settings.admin_username, col(User.is_superuser), LIVE
        )
    )
    password = settings.admin_password.get_secret_value()
    if not await verify_password(db, password, kept, "", settings.admin_username):
        log.warning("the superuser has another name or password than ADMIN_* says")
