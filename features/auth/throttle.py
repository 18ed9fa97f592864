"""Limits on guessing: failed logins per account and address, and whatever else may be tried."""

import math
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from hashlib import blake2b

from starlette.requests import HTTPConnection

from features.auth.cookies import known_device
from features.auth.security_log import record
from features.auth.settings import AuthSettings
from kernel.context import context_of
from kernel.errors import RateLimitException
from kernel.rate_limit import Decision, Limiter, Quota, Rule, network_of

TENFOLD = 10


async def acquire(
    connection: HTTPConnection, *quotas: Quota, user_id: int | None = None
) -> Decision:
    """Count an attempt on every quota. Raises RateLimitException (429) when one is used up, and
    ServiceUnavailableException (503) while Redis is too full to count it.

    The security log says what was refused, by the first word of the quotas, and to which user.
    """
    limiter = context_of(connection).resources.get(Limiter)
    decision = await limiter.acquire(*quotas, strict=True)
    assert decision is not None
    if not decision.accepted:
        what = quotas[0].key.partition(":")[0]
        record("throttled", connection, what=what, user=user_id)
        raise RateLimitException(headers={"Retry-After": str(max(1, math.ceil(decision.reset)))})
    return decision


class Guess:
    """A password that is being checked: wrong until it is marked as right."""

    right = False


@asynccontextmanager
async def guessing(
    connection: HTTPConnection, user_id: int | None, name: str
) -> AsyncGenerator[Guess, None]:
    """Count what happens inside as a failed login, unless it was the right password: of that
    user, or of an unknown name.

    Counted beforehand, so that many guesses at once are no way around. Few are allowed from one
    address, so that a guesser can't lock the owner out at another; ten times as many for an address
    whatever it asks for, and for an account wherever they come from. A device that the user has
    logged in on has a quota of its own instead, which no stranger can use up (compare OWASP, "Slow
    Down Online Guessing Attacks with Device Cookies"). Right passwords have a budget, too.
    """
    context = context_of(connection)
    settings = context.resources.settings.group(AuthSettings)
    failures = Rule(settings.login_failure_limit, settings.login_failure_period)
    many = Rule(failures.limit * TENFOLD, failures.period)
    who, address = account_key(user_id, name), network_of(context.address)
    device = known_device(connection, user_id)
    first = Quota(f"login:{who}:{device or address}", failures)
    shared = [] if device else [Quota(f"login:@{address}", many), Quota(f"login:{who}", many)]
    right = Quota(f"logins:{who}", Rule(settings.login_limit, settings.login_period))
    decision = await acquire(connection, first, *shared, right, user_id=user_id)
    guess, limiter = Guess(), context.resources.get(Limiter)
    keys = [quota.key for quota in shared]
    try:
        yield guess
    except Exception:
        # Nothing was found out about the password.
        await limiter.refund(decision, first.key, right.key, *keys)
        raise
    if guess.right:
        await limiter.clear(first.key)
        await limiter.refund(decision, *keys)
    else:
        await limiter.refund(decision, right.key)


def account_key(user_id: int | None, name: str) -> str:
    """The account that a guess is for, by any of its names; or the unknown name itself."""
    if user_id is not None:
        return str(user_id)
    return "?" + blake2b(name.lower().encode("utf-8", "replace"), digest_size=12).hexdigest()
