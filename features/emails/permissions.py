"""Who may ask for a link, and use one."""

from starlette.requests import HTTPConnection

from features.auth.security_log import record
from features.auth.throttle import TENFOLD, account_key, acquire
from features.emails.crud import good_link, is_on, take_link
from features.emails.links import hash_of
from features.emails.models import Link
from features.emails.settings import EmailSettings
from kernel.context import context_of
from kernel.db import UnitOfWork
from kernel.errors import BadRequestException, ServiceUnavailableException
from kernel.rate_limit import Limiter, Quota, Rule, network_of
from kernel.web import SessionDep

NO_MAIL = "This server sends no mail."
BAD_LINK = "This link does not work, or no longer; ask for a new one."


async def mail_is_on(db: SessionDep) -> None:
    """Raise ServiceUnavailableException (503) where SMTP_HOST isn't set."""
    if not is_on(db):
        raise ServiceUnavailableException(NO_MAIL)


async def count_request(connection: HTTPConnection, email: str) -> None:
    """Raise RateLimitException (429) when too many links were asked for, for this address or from
    this network; alike for addresses that have an account and others."""
    rule = _rule(connection)
    network = network_of(context_of(connection).address)
    await acquire(
        connection,
        Quota(f"links:{account_key(None, email)}", rule),
        Quota(f"links:@{network}", Rule(rule.limit * TENFOLD, rule.period)),
    )


async def find_link(connection: HTTPConnection, db: UnitOfWork, token: str, *purposes: str) -> Link:
    """What the link is good for, without using it.

    Raises BadRequestException (400) for one that isn't good, whatever is wrong with it, and
    RateLimitException (429) after too many of those.
    """
    rule = _rule(connection)
    key = f"link:@{network_of(context_of(connection).address)}"
    decision = await acquire(connection, Quota(key, Rule(rule.limit * TENFOLD, rule.period)))
    link = await good_link.one(db, token_hash=hash_of(token), purposes=list(purposes))
    if link is None:
        raise refused_link(connection, *purposes)
    await context_of(connection).resources.get(Limiter).refund(decision, key)
    return link


async def use_link(connection: HTTPConnection, db: UnitOfWork, token: str, *purposes: str) -> Link:
    """Use the link up, once what it is about is locked.

    Raises BadRequestException (400): of those who use it at once, all but one get that.
    """
    link = await take_link.one(db, token_hash=hash_of(token), purposes=list(purposes))
    if link is None:
        raise refused_link(connection, *purposes)
    return link


def refused_link(connection: HTTPConnection, *purposes: str) -> BadRequestException:
    """The answer to a link that isn't good, which the security log tells of."""
    record("link refused", connection, purpose=purposes[0])
    return BadRequestException(BAD_LINK)


def _rule(connection: HTTPConnection) -> Rule:
    settings = context_of(connection).resources.settings.group(EmailSettings)
    return Rule(settings.email_link_limit, settings.email_link_period)
