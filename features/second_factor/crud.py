"""Queries on factors and passkeys. By hand where two who use one at once must not both succeed."""

from contextlib import suppress
from typing import Any, TypeVar

from fastcrud import FastCRUD
from pydantic import BaseModel
from sqlalchemy import (
    BigInteger,
    Integer,
    LargeBinary,
    bindparam,
    func,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert as insert_or
from sqlalchemy.exc import NoResultFound
from sqlmodel import col

from features.second_factor.cache_keys import HAS_FACTOR
from features.second_factor.ceremonies import KnownCredential, NewCredential
from features.second_factor.codes import crud_recovery_codes, crud_totp
from features.second_factor.models import (
    CredentialId,
    Factors,
    Passkey,
    PasskeyRead,
    RecoveryCode,
    Totp,
)
from features.users.crud import LIVE
from features.users.models import User
from kernel.cache import forget
from kernel.db import CompiledQuery, UnitOfWork

Shape = TypeVar("Shape", bound=BaseModel)

crud_passkeys = FastCRUD(Passkey)

_user_id = bindparam("user_id", type_=Integer())


def _has(table: Any, *where: Any) -> Any:
    return select(table.id).where(table.user_id == _user_id, *where).exists()


# By hand, for its three tables.
factors_of = CompiledQuery(
    select(
        _has(Totp, col(Totp.confirmed_at).is_not(None)).label("totp"),
        _has(Passkey).label("passkey"),
        _has(RecoveryCode).label("recovery_code"),
    ),
    Factors,
)

_credential_id = bindparam("credential_id", type_=LargeBinary())
# The account first, as codes are used up.
_owner = (
    select(col(User.id))
    .join(Passkey, col(Passkey.user_id) == col(User.id))
    .where(col(Passkey.credential_id) == _credential_id, LIVE)
    .with_for_update(read=True, of=User)
    .cte("own")
)
# By hand for its race: a copy of a passkey shows a count that was there before.
_use_passkey = CompiledQuery(
    update(Passkey)
    .where(
        col(Passkey.user_id) == _owner.c.id,
        col(Passkey.credential_id) == _credential_id,
        (col(Passkey.sign_count) < bindparam("sign_count", type_=BigInteger()))
        | ((col(Passkey.sign_count) == 0) & (bindparam("sign_count", type_=BigInteger()) == 0)),
    )
    .values(sign_count=bindparam("sign_count", type_=BigInteger()), last_used_at=func.now())
    .returning(col(Passkey.id)),
    int,
    writes=True,
)


async def lock_account(unit: UnitOfWork, user_id: int) -> bool:
    """Let all who change the account's factors wait for each other, until the unit ends; False when
    the account is gone."""
    user = await unit.get(User, user_id, with_for_update={"key_share": True})
    return user is not None and not user.is_deleted


def forget_factors(unit: UnitOfWork, user_id: int) -> None:
    """Once the unit has committed: look anew whether the account has a factor."""
    forget(unit, HAS_FACTOR.format(user_id=user_id))


async def use_passkey(unit: UnitOfWork, credential_id: bytes, sign_count: int) -> bool:
    """Note that a passkey was used; False where its count doesn't go on."""
    found = await _use_passkey.scalar(unit, credential_id=credential_id, sign_count=sign_count)
    return found is not None


async def known_passkey(unit: UnitOfWork, credential_id: bytes) -> KnownCredential | None:
    """The passkey of that id, of whatever live account."""
    # By hand: a join, which FastCRUD's select doesn't write.
    found = await unit.execute(
        select(
            col(Passkey.credential_id),
            col(Passkey.public_key),
            col(Passkey.sign_count),
            col(Passkey.user_id),
        )
        .join(User, col(User.id) == col(Passkey.user_id))
        .where(col(Passkey.credential_id) == credential_id, col(User.is_deleted).is_(False))
    )
    row = found.one_or_none()
    return None if row is None else KnownCredential(*row)


async def credential_ids(unit: UnitOfWork, user_id: int) -> list[bytes]:
    """What the account's passkeys are known by."""
    return [one.credential_id for one in await _passkeys(unit, user_id, CredentialId)]


async def passkeys_of(unit: UnitOfWork, user_id: int) -> list[PasskeyRead]:
    """The account's passkeys, in the order in which they were made."""
    return await _passkeys(unit, user_id, PasskeyRead)


async def _passkeys(unit: UnitOfWork, user_id: int, shape: type[Shape]) -> list[Shape]:
    found = await crud_passkeys.get_multi(
        unit,
        limit=None,
        sort_columns="id",
        schema_to_select=shape,
        return_as_model=True,
        return_total_count=False,
        user_id=user_id,
    )
    return found["data"]


async def add_passkey(
    unit: UnitOfWork, user_id: int, name: str, made: NewCredential
) -> PasskeyRead | None:
    """Keep a passkey; None where it is there already, of this account or another."""
    # By hand for its race: of two at once, the second finds the row of the first.
    statement = (
        insert_or(Passkey)
        .values(user_id=user_id, name=name, **made._asdict())
        .on_conflict_do_nothing(index_elements=["credential_id"])
        .returning(Passkey)
    )
    kept = (await unit.exec(statement)).scalar_one_or_none()
    return None if kept is None else PasskeyRead.model_validate(kept)


async def remove_passkey(unit: UnitOfWork, user_id: int, passkey_id: int) -> bool:
    """Remove a passkey of that account; False when it has none of that id."""
    try:
        await crud_passkeys.db_delete(unit, id=passkey_id, user_id=user_id)
    except NoResultFound:
        return False
    return True


async def remove_all(unit: UnitOfWork, user_id: int) -> bool:
    """Remove all factors and recovery codes of an account; False when it had no factor."""
    had = await factors_of.one(unit, user_id=user_id)
    for crud in (crud_totp, crud_passkeys, crud_recovery_codes):
        with suppress(NoResultFound):
            await crud.db_delete(unit, allow_multiple=True, user_id=user_id)
    forget_factors(unit, user_id)
    return had is not None and had.any
