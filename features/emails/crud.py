"""Sending a mail with the transaction, and the addresses that get none."""

from typing import Any, TypeAlias

from fastcrud import FastCRUD
from sqlalchemy import String, bindparam, func, select
from sqlalchemy.dialects.postgresql import insert
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
from kernel.db import CompiledQuery, Listing, UnitOfWork

SEND = "emails.send"

CRUDSuppressions: TypeAlias = FastCRUD[
    EmailSuppression, SuppressionCreate, Any, Any, Any, SuppressionRead
]
crud_suppressions: CRUDSuppressions = FastCRUD(EmailSuppression)
listing = Listing(crud_suppressions, SuppressionRead, SuppressionQuery)

# By hand: addresses are compared as the unique index has them, in lower case.
suppression_of = CompiledQuery(
    select(col(EmailSuppression.reason)).where(
        func.lower(col(EmailSuppression.email)) == func.lower(bindparam("email"))
    ),
    str,
)
# By hand for its race: two jobs may be refused for one address at once.
_suppress = CompiledQuery(
    insert(EmailSuppression)
    .from_select(
        ["email", "reason"],
        select(bindparam("email", type_=String()), bindparam("reason", type_=String())),
        include_defaults=False,
    )
    .on_conflict_do_nothing()
    .returning(col(EmailSuppression.id)),
    int,
    writes=True,
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
    """Send the address no more mail."""
    await _suppress.scalar(db, email=email, reason=reason)
