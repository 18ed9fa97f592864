"""Which provider a path names, how often sign-ins are begun, and how they are refused."""

from typing import Annotated

import structlog
from fastapi import Depends, Path, Request

from features.auth.security_log import record
from features.auth.throttle import acquire
from features.sign_in.provider import Provider, provider_of
from features.sign_in.return_addresses import may_return_to
from features.sign_in.settings import SignInSettings
from features.sign_in.transport import ProviderAway
from kernel.context import context_of
from kernel.errors import (
    BadRequestException,
    NotFoundException,
    ServiceUnavailableException,
    UnprocessableEntityException,
)
from kernel.rate_limit import Quota, Rule, network_of
from kernel.schemas import CleanText

UNKNOWN = "There is no such sign-in."
REFUSED = "The sign-in could not be completed; begin it again."
AWAY = "The provider of this sign-in can't be reached at the moment; try again shortly."
ELSEWHERE = "next must be a path, or an address of an origin in CORS_ORIGINS, without a fragment."
RETRY_AFTER = "10"  # seconds

log = structlog.get_logger(__name__)


def settings_of(request: Request) -> SignInSettings:
    """The settings of this slice."""
    return context_of(request).resources.settings.group(SignInSettings)


async def known_provider(provider: Annotated[CleanText, Path()], request: Request) -> Provider:
    """The provider that the path names. Raises NotFoundException (404)."""
    settings = settings_of(request)
    values = settings.providers.get(provider)
    if values is None:
        raise NotFoundException(UNKNOWN)
    return provider_of(values, settings.sign_in_timeout)


KnownProvider = Annotated[Provider, Depends(known_provider)]


async def count_start(request: Request) -> None:
    """Raise RateLimitException (429) when this address has begun too many sign-ins."""
    await _count(request, "begin")


async def count_return(request: Request) -> None:
    """Raise RateLimitException (429) when this address has come back too often."""
    await _count(request, "return")


async def _count(request: Request, what: str) -> None:
    settings = settings_of(request)
    rule = Rule(settings.sign_in_limit, settings.sign_in_period)
    network = network_of(context_of(request).address)
    await acquire(request, Quota(f"sign-in:{what}:{network}", rule))


def refuse_elsewhere(request: Request, address: str) -> None:
    """Raise UnprocessableEntityException (422) for an address to which no browser is sent."""
    if not may_return_to(context_of(request).resources.settings, address):
        raise UnprocessableEntityException(ELSEWHERE)


def refused(request: Request, provider: Provider, reason: str) -> BadRequestException:
    """The one answer to a sign-in that isn't good; the security log says why."""
    record("sign-in refused", request, provider=provider.values.name, reason=reason)
    return BadRequestException(REFUSED)


def away(provider: Provider, reason: ProviderAway) -> ServiceUnavailableException:
    """The answer while a provider is away, slow, or no provider at all; the log says which."""
    log.warning("provider away", provider=provider.values.name, reason=str(reason))
    return ServiceUnavailableException(AWAY, headers={"Retry-After": RETRY_AFTER})
