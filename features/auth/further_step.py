"""The step after the password, where a feature asks for one: a second factor, say."""

from typing import Protocol, cast

from starlette.requests import HTTPConnection

from features.users.models import Account
from kernel.db import UnitOfWork


class FurtherStep(Protocol):
    """What a feature's providers.py may offer as `further_step`."""

    async def ask(self, connection: HTTPConnection, unit: UnitOfWork, account: Account) -> None:
        """Return when the password was enough; else raise an UnauthorizedException (401) whose
        problem type says what is missing and which carries a ticket to go on with."""

    async def take(
        self, connection: HTTPConnection, unit: UnitOfWork, ticket: str, code: str
    ) -> Account:
        """The account that the ticket was given for, once the code is right.

        Raises UnauthorizedException (401), RateLimitException (429).
        """


def further_step(unit: UnitOfWork) -> FurtherStep | None:
    """What a feature offers; None where no feature asks for more than a password."""
    return cast(FurtherStep | None, unit.resources.provider("further_step"))


async def ask_further_step(connection: HTTPConnection, unit: UnitOfWork, account: Account) -> None:
    """Raise UnauthorizedException (401) when more than the password is asked of the account."""
    if (step := further_step(unit)) is not None:
        await step.ask(connection, unit, account)
