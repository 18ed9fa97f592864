"""Sending a mail with the transaction, and the addresses that get none."""

import hmac
from hashlib import sha256
from typing import Any, TypeAlias

from fastcrud import FastCRUD
from sqlalchemy import ARRAY, String, any_, bindparam, delete, update
from sqlmodel import col

from features.emails.models import (
    EmailSuppression,
    Reason,
    SuppressionCreate,
    SuppressionQuery,
    SuppressionRead,
)
from features.emails.settings import EmailSettings
from kernel import jobs
from kernel.config import SecretSettings
from kernel.db import CompiledQuery, Listing, UnitOfWork

SEND = "emails.send"

CRUDSuppressions: TypeAlias = FastCRUD[
    EmailSuppression, SuppressionCreate, Any, Any, Any, SuppressionRead
]
crud_suppressions: CRUDSuppressions = FastCRUD(EmailSuppression)
listing = Listing(crud_suppressions, SuppressionRead, SuppressionQuery)

_suppressions = CompiledQuery(
    crud_suppressions.select(
        SuppressionRead,
        where=[col(EmailSuppression.email) == any_(bindparam("emails", type_=ARRAY(String)))],
    ),
    SuppressionRead,
)


async def send_email(db: UnitOfWork, template: str, to: str, **values: Any) -> str | None:
    """Send a mail exactly when the unit commits; returns the job's id.

    `template` is `<feature>.<name>`: features/<feature>/templates/<name>.txt.jinja and .html.jinja.
    The values are kept with the job, so no secret may be among them. Where SMTP_HOST isn't set, no
    mail is sent, and None is returned.
    """
    if not db.resources.settings.group(EmailSettings).is_on:
        return None
    return await jobs.add(db, SEND, template=template, to=to, values=values)


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
        await db.execute(delete(EmailSuppression).where(this))
    else:
        await db.execute(update(EmailSuppression).where(this).values(email=concealed[0]))


def _fingerprints(db: UnitOfWork, email: str) -> list[str]:
    """What stands for an erased address: by the key that signs first, then by the earlier ones."""
    keys = db.resources.settings.group(SecretSettings).keys
    text = f"suppressed address {email.lower()}".encode()
    return [f"erased:{hmac.new(key, text, sha256).hexdigest()}" for key in keys]
