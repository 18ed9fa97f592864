"""Sending a mail or a link with the transaction, and the addresses that get none."""

import hmac
from contextlib import suppress as ignore
from datetime import timedelta
from hashlib import sha256
from typing import Any

import structlog
from fastcrud import FastCRUD
from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Interval,
    LargeBinary,
    String,
    any_,
    bindparam,
    delete,
    func,
    select,
    update,
)
from sqlalchemy.exc import NoResultFound
from sqlmodel import col

from features.emails.links import hash_of
from features.emails.models import (
    EmailLink,
    EmailSuppression,
    Link,
    Reason,
    SuppressionQuery,
    SuppressionRead,
)
from features.emails.settings import EmailSettings
from kernel import jobs
from kernel.config import SecretSettings
from kernel.db import CompiledQuery, Listing, UnitOfWork, now
from kernel.rate_limit import Limiter, Quota, Rule

log = structlog.get_logger(__name__)

SEND, SEND_LINK = "emails.send", "emails.send_link"
# How long a link waits for its mail to be taken, before its row is removed.
UNSENT = timedelta(days=1)

crud_suppressions = FastCRUD(EmailSuppression)
listing = Listing(crud_suppressions, SuppressionRead, SuppressionQuery)

_suppressions = CompiledQuery(
    crud_suppressions.select(
        SuppressionRead,
        where=[col(EmailSuppression.email) == any_(bindparam("emails", type_=ARRAY(String)))],
    ),
    SuppressionRead,
)

crud_links = FastCRUD(EmailLink)
_link: list[ColumnElement[Any]] = [getattr(EmailLink, name) for name in Link.model_fields]
_hash = bindparam("token_hash", type_=LargeBinary())
_for_purposes = col(EmailLink.purpose) == func.any(bindparam("purposes", type_=ARRAY(String)))
_good = (
    col(EmailLink.token_hash) == _hash,
    _for_purposes,
    col(EmailLink.expires_at) > func.now(),
)

# By hand for their clock, the database's, and `take_link` for its race: of those who use a link at
# once, one gets the row.
good_link = CompiledQuery(select(*_link).where(*_good), Link)
take_link = CompiledQuery(delete(EmailLink).where(*_good).returning(*_link), Link, writes=True)
activate_link = CompiledQuery(
    update(EmailLink)
    .where(col(EmailLink.id) == bindparam("link_id"))
    .values(token_hash=_hash, expires_at=func.now() + bindparam("lifetime", type_=Interval()))
    .returning(*_link),
    Link,
    writes=True,
)

# By hand, since FastCRUD's delete counts as a commit, after which a page that shows what was wrong
# couldn't roll back.
_withdraw = CompiledQuery(
    delete(EmailLink)
    .where(
        col(EmailLink.subject_id) == bindparam("subject_id"),
        _for_purposes,
        func.lower(col(EmailLink.email)) != func.lower(bindparam("but_to", type_=String())),
    )
    .returning(col(EmailLink.id)),
    int,
    writes=True,
)


async def send_link(
    db: UnitOfWork,
    purpose: str,
    to: str,
    *,
    subject_id: int,
    page: str,
    lifetime: timedelta,
    **values: Any,
) -> None:
    """Mail a link exactly when the unit commits, good once, until `lifetime` after it was mailed.

    `purpose` is the mail's template, which has `link`, `code` and `lifetime` besides the values;
    `page` is where the link leads: a path of this API, or a whole address. Where SMTP_HOST isn't
    set, nothing is mailed.
    """
    if not is_on(db):
        return
    link = EmailLink(purpose=purpose, subject_id=subject_id, email=to, expires_at=now() + UNSENT)
    db.add(link)
    await db.flush()
    seconds = int(lifetime.total_seconds())
    await jobs.add(db, SEND_LINK, link_id=link.id, page=page, seconds=seconds, values=values)


async def withdraw_links(
    db: UnitOfWork, subject_id: int, *purposes: str, but_to: str | None = None
) -> None:
    """Let no link for these purposes work any more, mailed already or not, but those that were
    mailed to the address `but_to`."""
    await _withdraw.all(db, subject_id=subject_id, purposes=list(purposes), but_to=but_to or "")


async def purge_links(db: UnitOfWork) -> int:
    """Remove what has expired. Returns how many."""
    moment = now()
    expired = await crud_links.count(db, expires_at__lt=moment)
    with ignore(NoResultFound):
        await crud_links.db_delete(db, allow_multiple=True, expires_at__lt=moment)
    return expired


def is_on(db: UnitOfWork) -> bool:
    """Whether mail is sent here."""
    return db.resources.settings.group(EmailSettings).is_on


async def send_email(db: UnitOfWork, template: str, to: str, **values: Any) -> str | None:
    """Send a mail exactly when the unit commits; returns the job's id.

    `template` is `<feature>.<name>`: features/<feature>/templates/<name>.txt.jinja and .html.jinja.
    The values are kept with the job, so no secret may be among them. Where SMTP_HOST isn't set, no
    mail is sent, and None is returned.
    """
    if not is_on(db):
        return None
    return await jobs.add(db, SEND, template=template, to=to, values=values)


async def send_notice(db: UnitOfWork, template: str, to: str, **values: Any) -> str | None:
    """Tell an account's owner what was done to it, as `send_email` does; None beyond
    EMAIL_NOTICE_LIMIT, since anybody may register an address and do things all day."""
    settings = db.resources.settings.group(EmailSettings)
    if settings.is_on:
        rule = Rule(settings.email_notice_limit, settings.email_link_period)
        quota = Quota(f"notices:{hash_of(to.lower()).hex()}", rule)
        decision = await db.resources.get(Limiter).acquire(quota)
        if decision is not None and not decision.accepted:
            log.warning("notice not sent: too many for the address", template=template)
            return None
    return await send_email(db, template, to, **values)


async def suppression_of(db: UnitOfWork, email: str) -> SuppressionRead | None:
    """Why the address gets no mail; None when it does."""
    emails = [email.lower(), *_fingerprints(db, email)]
    return next(iter(await _suppressions.all(db, emails=emails)), None)


async def suppress(db: UnitOfWork, email: str, reason: Reason) -> None:
    """Send the address no more mail. Of two that do so at once, one breaks the unique index."""
    if await suppression_of(db, email) is None:
        db.add(EmailSuppression(email=email.lower(), reason=reason))


async def conceal(db: UnitOfWork, email: str) -> None:
    """Keep that the address gets no mail, and no longer the address."""
    this, concealed = col(EmailSuppression.email) == email.lower(), _fingerprints(db, email)
    if await _suppressions.all(db, emails=concealed):  # of an earlier account
        await db.exec(delete(EmailSuppression).where(this))
    else:
        await db.exec(update(EmailSuppression).where(this).values(email=concealed[0]))


def _fingerprints(db: UnitOfWork, email: str) -> list[str]:
    """What stands for an erased address: by the key that signs first, then by the earlier ones."""
    keys = db.resources.settings.group(SecretSettings).keys
    text = f"suppressed address {email.lower()}".encode()
    return [f"erased:{hmac.new(key, text, sha256).hexdigest()}" for key in keys]
