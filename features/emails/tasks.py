"""The job that sends a mail."""

from datetime import UTC, datetime
from typing import Any

import structlog
from pydantic import EmailStr, Field

from features.emails import crud
from features.emails.delivery import Refused, deliver
from features.emails.messages import encode, mailbox
from features.emails.rendering import render
from features.emails.settings import EmailSettings
from kernel.config import AppSettings
from kernel.jobs import JobContext, JobRefused, Schedule, task
from kernel.schemas import InputSchema

log = structlog.get_logger(__name__)


class Mail(InputSchema):
    """Which mail goes to whom."""

    template: str
    to: EmailStr
    values: dict[str, Any] = Field(default_factory=dict)


# Eight attempts take about half an hour, or an hour and a half: a server that is away for longer
# is told by jobs that have failed.
@task(crud.SEND, max_tries=8, timeout=130, backoff=30)
async def send(ctx: JobContext, arguments: Mail) -> str:
    """Send it, unless the address gets no mail. A crash may repeat it, with the same Message-ID."""
    settings = ctx["resources"].settings
    smtp = settings.group(EmailSettings)
    if not smtp.is_on or smtp.smtp_from is None:
        raise JobRefused("SMTP_HOST isn't set; the mail isn't sent.")
    # In a unit of its own, so that no connection is held while the server is waited for.
    async with ctx["resources"].unit() as db:
        suppressed = await crud.suppression_of(db, arguments.to)
    if suppressed is not None:
        return f"not sent: the address is on the suppression list ({suppressed.reason})"
    message = encode(
        render(arguments.template, arguments.values),
        sender=smtp.smtp_from,
        name=settings.group(AppSettings).app_name,
        to=arguments.to,
        message_id=ctx["job_id"],
        date=datetime.now(UTC),
    )
    try:
        await deliver(smtp, mailbox(smtp.smtp_from), mailbox(arguments.to), message)
    except Refused as refused:
        if not refused.address:
            raise JobRefused(str(refused)) from None
        await crud.suppress(ctx["db"], arguments.to, "refused")
        return "not sent: the address's server has no such mailbox; it gets no more mail"
    log.info("mail sent", template=arguments.template)
    return "sent"


functions = [send]
cron_jobs: list[Schedule] = []
