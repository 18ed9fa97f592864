"""Sending a mail with the transaction, and the addresses that get none."""

from typing import Any, TypeAlias

from fastcrud import FastCRUD
from sqlalchemy import bindparam

from features.emails.models import (
    EmailSuppression,
    Reason,
    SuppressionCreate,
    SuppressionQuery,
    SuppressionRead,
)
from features.emails.settings import EmailSettings
from kernel import jobs
from kernel.db import CompiledQuery, Listing, UnitOfWork

SEND = "emails.send"

CRUDSuppressions: TypeAlias = FastCRUD[
    EmailSuppression, SuppressionCreate, Any, Any, Any, SuppressionRead
]
crud_suppressions: CRUDSuppressions = FastCRUD(EmailSuppression)
listing = Listing(crud_suppressions, SuppressionRead, SuppressionQuery)

suppression_of = CompiledQuery(
    crud_suppressions.select(schema_to_select=SuppressionRead, email=bindparam("email")),
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


async def suppress(db: UnitOfWork, email: str, reason: Reason) -> None:
    """Send the address no more mail. Of two that do so at once, one breaks the unique index."""
    if await suppression_of.one(db, email=email.lower()) is None:
        db.add(EmailSuppression(email=email.lower(), reason=reason))
