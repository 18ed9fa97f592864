"""The step after the password, where a feature asks for one: a second factor, say."""

from collections.abc import Callable, Sequence
from typing import Any, Literal, Protocol, TypeVar, cast

from starlette.requests import HTTPConnection

from features.users.models import Account
from kernel.config import Settings
from kernel.context import Admit, Principal, RequestContext, context_of
from kernel.db import UnitOfWork
from kernel.errors import UnauthorizedException
from kernel.web import CHALLENGE

FURTHER_STEP = "urn:problem-type:further-step-required"
# Where a login comes from; a ticket of one is no good for another. HTTP Basic can't go on.
Door = Literal["api", "admin", "basic"]
Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


class FurtherStepRequired(UnauthorizedException):
    """401: the password was right, and more is asked for. `steps` are those that would do."""

    problem_type = FURTHER_STEP

    def __init__(self, detail: str, ticket: str = "", steps: Sequence[str] = ()) -> None:
        # Commits, since the ticket is kept.
        super().__init__(detail, headers=CHALLENGE, commits=True)
        self.ticket = ticket
        beside = {"ticket": ticket, "steps": [*steps]} if ticket else {}
        # Members of the problem that is answered.
        self.detail = cast(Any, {"detail": detail, **beside})


class FurtherStep(Protocol):
    """What a feature's providers.py may offer as `further_step`."""

    async def ask(
        self, connection: HTTPConnection, unit: UnitOfWork, account: Account, door: Door
    ) -> None:
        """Return when the password was enough; else raise FurtherStepRequired (401), with a ticket
        to go on with."""

    async def take(
        self, connection: HTTPConnection, unit: UnitOfWork, ticket: str, code: str, door: Door
    ) -> Account:
        """The account that the ticket was given for, once the code is right: or, in JSON, what a
        passkey has signed.

        Raises UnauthorizedException (401), RateLimitException (429).
        """
        ...

    async def passkey_options(
        self, connection: HTTPConnection, unit: UnitOfWork, ticket: str, door: Door
    ) -> str:
        """What `navigator.credentials.get()` takes, in JSON, for `take`; without a ticket, for the
        caller's `confirm`. Empty where no passkey would do."""
        ...

    async def is_asked(self, unit: UnitOfWork, user_id: int) -> bool:
        """Whether the account's password alone is not enough."""
        ...

    async def confirm(
        self, connection: HTTPConnection, unit: UnitOfWork, account: Account, code: str
    ) -> None:
        """Return when the code is one of the account's: or, in JSON, what a passkey has signed.

        Raises UnprocessableEntityException (422), RateLimitException (429).
        """

    def admission(self, settings: Settings, caller: Principal) -> Admit | None:
        """What a caller must pass who has logged in without the step, where it is demanded."""


def further_step(unit: UnitOfWork) -> FurtherStep | None:
    """What a feature offers; None where no feature asks for more than a password."""
    return cast(FurtherStep | None, unit.resources.provider("further_step"))


async def ask_further_step(
    connection: HTTPConnection, unit: UnitOfWork, account: Account, door: Door = "api"
) -> None:
    """Raise FurtherStepRequired (401) when more than the password is asked of the account."""
    if (step := further_step(unit)) is not None:
        await step.ask(connection, unit, account, door)


async def is_asked_for_more(unit: UnitOfWork, user_id: int) -> bool:
    """Whether the account's password alone is not enough."""
    step = further_step(unit)
    return step is not None and await step.is_asked(unit, user_id)


def admission(context: RequestContext, caller: Principal) -> Admit | None:
    """What the caller of a session must pass before all but its login is open; None: nothing."""
    step = cast(FurtherStep | None, context.resources.provider("further_step"))
    return None if step is None else step.admission(context.resources.settings, caller)


def open_before_step(endpoint: Endpoint) -> Endpoint:
    """Mark a route that callers need on their way to the further step: it admits who hasn't taken
    it yet."""
    endpoint.is_open_before_step = True  # type: ignore[attr-defined]
    return endpoint


async def admit(connection: HTTPConnection, caller: Principal) -> None:
    """Raise ForbiddenException (403) for a caller who has to take the further step first."""
    if (check := admission(context_of(connection), caller)) is not None:
        await check(connection)
