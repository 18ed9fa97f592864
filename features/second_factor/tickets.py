"""Login tickets and passkeys' challenges: kept by their hashes, good once, for a short while."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from secrets import token_bytes, token_urlsafe
from typing import Literal

from fastcrud import FastCRUD
from sqlalchemy import (
    Integer,
    LargeBinary,
    String,
    bindparam,
    delete,
    func,
    select,
    update,
)
from sqlalchemy.exc import NoResultFound
from sqlmodel import col

from features.second_factor.models import LoginTicket, PasskeyChallenge
from features.second_factor.settings import SecondFactorSettings
from features.users.crud import LIVE
from features.users.models import Account, User
from kernel.db import CompiledQuery, UnitOfWork, now

Purpose = Literal["login", "ticket", "step-up", "passkey"]
TICKET_BYTES = CHALLENGE_BYTES = 32

crud_tickets = FastCRUD(LoginTicket)
crud_challenges = FastCRUD(PasskeyChallenge)


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose a ticket is, and which state of the account it is for."""

    user_id: int
    version: int


_hash = bindparam("token_hash", type_=LargeBinary())
_good = (
    col(LoginTicket.token_hash) == _hash,
    col(LoginTicket.door) == bindparam("door", type_=String()),
    col(LoginTicket.expires_at) > func.now(),
    col(LoginTicket.attempts_left) > 0,
)
# As the account was when its password was right: another password makes it worthless.
_holder = (
    select(col(User.id))
    .join(LoginTicket, col(LoginTicket.user_id) == col(User.id))
    .where(
        col(LoginTicket.token_hash) == _hash, col(User.version) == col(LoginTicket.version), LIVE
    )
)
# The account first, as codes are used up.
_locked_holder = _holder.with_for_update(read=True, of=User).cte("holder")
# By hand for their clock, the database's, and their race: attempts at once are counted each, one
# after the other, and of those that succeed one gets the row.
_find = CompiledQuery(_holder.where(*_good), int)
_attempt = CompiledQuery(
    update(LoginTicket)
    .where(*_good, col(LoginTicket.user_id) == _locked_holder.c.id)
    .values(attempts_left=col(LoginTicket.attempts_left) - 1)
    .returning(col(LoginTicket.user_id), col(LoginTicket.version)),
    Holder,
    writes=True,
)
_redeem = CompiledQuery(
    delete(LoginTicket)
    .where(col(LoginTicket.token_hash) == _hash)
    .returning(col(LoginTicket.user_id)),
    int,
    writes=True,
)
_take = CompiledQuery(
    delete(PasskeyChallenge)
    .where(
        col(PasskeyChallenge.challenge_hash) == _hash,
        col(PasskeyChallenge.purpose) == bindparam("purpose", type_=String()),
        col(PasskeyChallenge.user_id).is_not_distinct_from(bindparam("user_id", type_=Integer())),
        col(PasskeyChallenge.expires_at) > func.now(),
    )
    .returning(col(PasskeyChallenge.id)),
    int,
    writes=True,
)


async def issue_ticket(unit: UnitOfWork, account: Account, door: str) -> str:
    """A ticket for an account whose password was right."""
    settings = unit.resources.settings.group(SecondFactorSettings)
    token = token_urlsafe(TICKET_BYTES)
    ticket = LoginTicket(
        token_hash=_hash_of(token.encode()),
        user_id=account.id,
        version=account.version,
        door=door,
        attempts_left=settings.login_ticket_attempts,
        expires_at=_end(unit),
    )
    unit.add(ticket)
    return token


async def holder_of(unit: UnitOfWork, token: str, door: str) -> int | None:
    """Whose the ticket is, without an attempt; None for one that isn't good."""
    return await _find.scalar(unit, token_hash=_hash_of(_bytes(token)), door=door)


async def attempt(unit: UnitOfWork, token: str, door: str) -> Holder | None:
    """Whose the ticket is, and one attempt less; None for one that isn't good."""
    return await _attempt.one(unit, token_hash=_hash_of(_bytes(token)), door=door)


async def redeem(unit: UnitOfWork, token: str) -> None:
    """Use the ticket up."""
    await _redeem.scalar(unit, token_hash=_hash_of(_bytes(token)))


async def new_challenge(unit: UnitOfWork, purpose: Purpose, user_id: int | None) -> bytes:
    """A challenge for that purpose, of that account, or of whichever shows its passkey."""
    challenge = token_bytes(CHALLENGE_BYTES)
    unit.add(
        PasskeyChallenge(
            challenge_hash=_hash_of(challenge),
            purpose=purpose,
            user_id=user_id,
            expires_at=_end(unit),
        )
    )
    return challenge


async def take_challenge(
    unit: UnitOfWork, purpose: Purpose, user_id: int | None, challenge: bytes
) -> bool:
    """Use a challenge up; False for one that isn't good."""
    which = {"token_hash": _hash_of(challenge), "purpose": purpose, "user_id": user_id}
    return await _take.scalar(unit, **which) is not None


async def purge(unit: UnitOfWork) -> int:
    """Remove what has expired. Returns how many."""
    number, moment = 0, now()
    for crud in (crud_tickets, crud_challenges):
        number += await crud.count(unit, expires_at__lt=moment)
        with suppress(NoResultFound):
            await crud.db_delete(unit, allow_multiple=True, expires_at__lt=moment)
    return number


def _end(unit: UnitOfWork) -> datetime:
    settings = unit.resources.settings.group(SecondFactorSettings)
    return now() + timedelta(seconds=settings.login_ticket_seconds)


def _bytes(token: str) -> bytes:
    return token.encode("utf-8", "replace")


def _hash_of(secret: bytes) -> bytes:
    # A fast hash: 256 bits are not guessed.
    return sha256(secret).digest()
