"""The step after the password: a ticket for who has to take it, and what it is good with."""

import json

from pydantic import ValidationError
from starlette.requests import HTTPConnection

from features.auth.cross_site import own_origin
from features.auth.further_step import Door, FurtherStepRequired
from features.auth.security_log import record_after_commit
from features.auth.step_up import WRONG_CODE
from features.second_factor import ceremonies, crud, tickets
from features.second_factor.inputs import Assertion, Proof
from features.second_factor.permissions.proofs import (
    counting,
    is_code,
    is_proof,
    passkey_owner,
)
from features.second_factor.permissions.requirement import (
    SET_UP,
    needs_factor,
    refuse_without_factor,
)
from features.second_factor.relying_party import relying_party
from features.second_factor.tickets import Purpose
from features.users.crud import account_by_id
from features.users.models import Account
from kernel.config import Settings
from kernel.context import Admit, Principal, context_of
from kernel.db import UnitOfWork
from kernel.errors import UnauthorizedException, UnprocessableEntityException
from kernel.web import CHALLENGE

ASKED = "One more step is asked: go on by POST /api/v1/login/factor."
NO_BASIC = "This account has a second factor: a password alone, by HTTP Basic, is not enough."
WRONG = "Wrong code or passkey, or the login took too long."


class SecondFactor:
    """What features/auth asks for after a password (its FurtherStep)."""

    async def ask(
        self, connection: HTTPConnection, unit: UnitOfWork, account: Account, door: Door
    ) -> None:
        """Return for an account without a factor; else raise FurtherStepRequired (401)."""
        factors = await crud.factors_of.one(unit, user_id=account.id)
        if factors is None or not factors.any:
            if door == "basic" and needs_factor(unit.resources.settings, account.is_superuser):
                raise FurtherStepRequired(SET_UP)
            return
        if door == "basic":
            raise FurtherStepRequired(NO_BASIC)
        ticket = await tickets.issue_ticket(unit, account, door)
        record_after_commit(unit, "factor asked for", connection, user=account.id)
        raise FurtherStepRequired(ASKED, ticket, factors.steps)

    async def take(
        self, connection: HTTPConnection, unit: UnitOfWork, ticket: str, code: str, door: Door
    ) -> Account:
        """The account that the ticket was given for, once the code or the passkey is right.

        Raises UnauthorizedException (401), RateLimitException (429).
        """
        async with counting(connection, "ticket") as guess:
            account = await _holder(unit, ticket, door)
            guess.right = account is not None and await _is_shown(
                connection, unit, account.id, code, "ticket"
            )
        return await _passed(unit, ticket, account if guess.right else None)

    async def passkey_options(
        self, connection: HTTPConnection, unit: UnitOfWork, ticket: str, door: Door
    ) -> str:
        """What `navigator.credentials.get()` takes, in JSON; empty for an account without a
        passkey, and on another host than passkeys are used on."""
        party, caller = relying_party(unit.resources.settings), context_of(connection).principal
        if own_origin(connection) != party.origin:
            return ""
        purpose: Purpose = "ticket" if ticket else "step-up"
        user_id = caller.user_id if caller is not None else None
        if ticket:
            user_id = await tickets.holder_of(unit, ticket, door)
        known = [] if user_id is None else await crud.credential_ids(unit, user_id)
        if not known:
            return ""
        challenge = await tickets.new_challenge(unit, purpose, user_id)
        return json.dumps(ceremonies.request_options(party, challenge, known))

    async def is_asked(self, unit: UnitOfWork, user_id: int) -> bool:
        """Whether the account has a factor."""
        factors = await crud.factors_of.one(unit, user_id=user_id)
        return factors is not None and factors.any

    async def confirm(
        self, connection: HTTPConnection, unit: UnitOfWork, account: Account, code: str
    ) -> None:
        """Return when the code or the passkey is one of the account's.

        Raises UnprocessableEntityException (422), RateLimitException (429).
        """
        if not await _is_shown(connection, unit, account.id, code, "step-up"):
            # Commits, since a challenge is used up.
            raise UnprocessableEntityException(WRONG_CODE, commits=True)

    def admission(self, settings: Settings, caller: Principal) -> Admit | None:
        """What a caller must pass who must have a factor, by SECOND_FACTOR_REQUIRED."""
        return refuse_without_factor if needs_factor(settings, caller.is_superuser) else None


async def take_proof(
    connection: HTTPConnection, unit: UnitOfWork, ticket: str, proof: Proof
) -> Account:
    """The account that the ticket was given for, at the API, once the code or the passkey is right.

    Raises UnauthorizedException (401), RateLimitException (429).
    """
    async with counting(connection, "ticket") as guess:
        account = await _holder(unit, ticket, "api")
        guess.right = account is not None and await is_proof(
            connection, unit, account.id, proof, "ticket"
        )
    return await _passed(unit, ticket, account if guess.right else None)


def refused() -> UnauthorizedException:
    """The answer to whatever was wrong, which isn't said; attempts that were counted stay so."""
    return UnauthorizedException(WRONG, headers=CHALLENGE, commits=True)


async def _is_shown(
    connection: HTTPConnection, unit: UnitOfWork, user_id: int, code: str, purpose: Purpose
) -> bool:
    """Whether that is one of the account's factors, as a form has it: a code, or JSON."""
    if not code.startswith("{"):
        return await is_code(connection, unit, user_id, code)
    try:
        shown = Assertion.model_validate_json(code)
    except ValidationError:
        return False
    return await passkey_owner(connection, unit, shown, purpose, user_id) is not None


async def _holder(unit: UnitOfWork, ticket: str, door: Door) -> Account | None:
    holder = await tickets.attempt(unit, ticket, door)
    if holder is None:
        return None
    account = await account_by_id.one(unit, user_id=holder.user_id)
    # Changed since: the ticket was for another password perhaps.
    return account if account is not None and account.version == holder.version else None


async def _passed(unit: UnitOfWork, ticket: str, account: Account | None) -> Account:
    if account is None:
        raise refused()
    await tickets.redeem(unit, ticket)
    return account


second_factor = SecondFactor()
