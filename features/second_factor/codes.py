"""Queries on codes: of authenticator apps, and recovery codes.

By hand where two who use one at once must not both succeed.
"""

from contextlib import suppress
from datetime import timedelta
from typing import Any

from fastcrud import FastCRUD
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Integer,
    LargeBinary,
    bindparam,
    delete,
    func,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert as insert_or
from sqlalchemy.exc import NoResultFound
from sqlmodel import col

from features.second_factor.models import RecoveryCode, Totp, TotpKept
from features.users.crud import LIVE
from features.users.models import User
from kernel.db import CompiledQuery, UnitOfWork, now

crud_totp = FastCRUD(Totp)
crud_recovery_codes = FastCRUD(RecoveryCode)

_user_id = bindparam("user_id", type_=Integer())

# The account first, as who changes its factors locks it, and as a session is opened: else the two
# would wait for each other.
_owner = (
    select(col(User.id)).where(col(User.id) == _user_id, LIVE).with_for_update(read=True).cte("own")
)
# By hand for its race: of those who send a code at once, one moves the last step on.
_use_step = CompiledQuery(
    update(Totp)
    .where(
        col(Totp.user_id) == _owner.c.id,
        col(Totp.confirmed_at).is_not(None),
        col(Totp.last_step).is_(None)
        | (col(Totp.last_step) < bindparam("step", type_=BigInteger())),
    )
    .values(
        last_step=bindparam("step", type_=BigInteger()),
        secret=bindparam("sealed", type_=LargeBinary()),
    )
    .returning(col(Totp.id)),
    int,
    writes=True,
)

# By hand for its race: of those who send a recovery code at once, one gets the row.
_use_code = CompiledQuery(
    delete(RecoveryCode)
    .where(
        col(RecoveryCode.user_id) == _owner.c.id,
        col(RecoveryCode.code_hash) == func.any(bindparam("hashes", type_=ARRAY(LargeBinary))),
    )
    .returning(col(RecoveryCode.id)),
    int,
    writes=True,
)


async def totp_of(unit: UnitOfWork, user_id: int) -> TotpKept | None:
    """The account's authenticator app, set up or not yet."""
    return await crud_totp.get(
        unit, schema_to_select=TotpKept, return_as_model=True, one_or_none=True, user_id=user_id
    )


async def begin_totp(unit: UnitOfWork, user_id: int, sealed: bytes) -> bool:
    """Keep the secret of an app that isn't set up yet, in place of an earlier one; False where one
    is set up."""
    statement = insert_or(Totp).values(user_id=user_id, secret=sealed)
    # By hand for its race with the call that confirms the earlier one.
    made = await unit.exec(
        statement.on_conflict_do_update(
            index_elements=["user_id"],
            set_={"secret": statement.excluded.secret, "created_at": func.now()},
            where=col(Totp.confirmed_at).is_(None),
        ).returning(col(Totp.id))
    )
    return made.scalar() is not None


async def confirm_totp(unit: UnitOfWork, totp: TotpKept, step: int) -> bool:
    """Let the app count from now on, whose code of that step was right; False where its secret is
    another one by now."""
    # By hand for its race, as above.
    done = await unit.exec(
        update(Totp)
        .where(
            col(Totp.id) == totp.id,
            col(Totp.secret) == totp.secret,
            col(Totp.confirmed_at).is_(None),
        )
        .values(confirmed_at=func.now(), last_step=step)
        .returning(col(Totp.id))
        .execution_options(synchronize_session=False)
    )
    return done.scalar() is not None


async def use_step(unit: UnitOfWork, user_id: int, step: int, sealed: bytes) -> bool:
    """Use a code up, by its time step, and keep the secret as it is sealed now; False for a code
    that was used, or is older than one that was."""
    return await _use_step.scalar(unit, user_id=user_id, step=step, sealed=sealed) is not None


async def use_recovery_code(unit: UnitOfWork, user_id: int, hashes: list[bytes]) -> bool:
    """Use a recovery code up, by what may be stored of it; False for one that isn't there."""
    return await _use_code.scalar(unit, user_id=user_id, hashes=hashes) is not None


async def remove_totp(unit: UnitOfWork, user_id: int) -> bool:
    """Remove the authenticator app; False when there was none that counted."""
    found = await totp_of(unit, user_id)
    with suppress(NoResultFound):
        await crud_totp.db_delete(unit, user_id=user_id)
    return found is not None and found.confirmed_at is not None


async def keep_recovery_codes(unit: UnitOfWork, user_id: int, hashes: list[bytes]) -> None:
    """Keep these in place of all that the account had."""
    await remove_recovery_codes(unit, user_id)
    unit.add_all([RecoveryCode(user_id=user_id, code_hash=one) for one in hashes])


async def remove_recovery_codes(unit: UnitOfWork, user_id: int) -> None:
    """Remove all of the account's."""
    with suppress(NoResultFound):
        await crud_recovery_codes.db_delete(unit, allow_multiple=True, user_id=user_id)


async def purge_unconfirmed(unit: UnitOfWork, age: timedelta) -> int:
    """Remove secrets of apps that were never set up. Returns how many."""
    which: dict[str, Any] = {"confirmed_at": None, "created_at__lt": now() - age}
    found = await crud_totp.count(unit, **which)
    with suppress(NoResultFound):
        await crud_totp.db_delete(unit, allow_multiple=True, **which)
    return found
