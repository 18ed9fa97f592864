"""The jobs that send mails and links."""

from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from pydantic import BaseModel, EmailStr, Field

from features.emails import crud
from features.emails.delivery import Refused, deliver
from features.emails.links import address_of, hash_of, in_words, token_of
from features.emails.messages import encode, mailbox
from features.emails.rendering import render
from features.emails.settings import EmailSettings
from kernel.config import AppSettings
from kernel.jobs import JobContext, JobRefused, Schedule, task
from kernel.schemas import InputSchema, RowId

log = structlog.get_logger(__name__)


class Mail(InputSchema):
    """Which mail goes to whom."""

    template: str
    to: EmailStr
    values: dict[str, Any] = Field(default_factory=dict)


class LinkMail(InputSchema):
    """Which link is mailed, where it leads, and how many seconds it is good for."""

    link_id: RowId
    page: str
    seconds: int
    values: dict[str, Any] = Field(default_factory=dict)


class NoArguments(BaseModel):
    """The job needs none."""


# Eight attempts take about half an hour, or an hour and a half: a server that is away for longer
# is told by jobs that have failed.
@task(crud.SEND, max_tries=8, timeout=130, backoff=30)
async def send(ctx: JobContext, arguments: Mail) -> str:
    """Send it, unless the address gets no mail. A crash may repeat it, with the same Message-ID."""
    return await _hand_over(ctx, arguments.template, arguments.to, arguments.values)


@task(crud.SEND_LINK, max_tries=8, timeout=130, backoff=30)
async def send_link(ctx: JobContext, arguments: LinkMail) -> str:
    """Mail a link, unless it was withdrawn. A crash may repeat it, with the same link."""
    settings = ctx["resources"].settings
    token, lifetime = token_of(settings, ctx["job_id"]), timedelta(seconds=arguments.seconds)
    # Committed before the mail leaves: its reader may be faster than the end of this job.
    async with ctx["resources"].unit() as db:
        link = await crud.activate_link.one(
            db, link_id=arguments.link_id, token_hash=hash_of(token), lifetime=lifetime
        )
    if link is None:
        return "not sent: the link was withdrawn"
    values = {
        **arguments.values,
        "link": address_of(settings, arguments.page, token),
        "code": token,
        "lifetime": in_words(lifetime),
    }
    return await _hand_over(ctx, link.purpose, link.email, values)


@task("emails.purge_links", unique="")
async def purge_links(ctx: JobContext, arguments: NoArguments) -> None:
    """Remove links that have expired."""
    log.info("links purged", links=await crud.purge_links(ctx["db"]))


async def _hand_over(ctx: JobContext, template: str, to: str, values: dict[str, Any]) -> str:
    settings = ctx["resources"].settings
    smtp, app = settings.group(EmailSettings), settings.group(AppSettings)
    if not smtp.is_on or smtp.smtp_from is None:
        raise JobRefused("SMTP_HOST isn't set; the mail isn't sent.")
    # In a unit of its own, so that no connection is held while the server is waited for.
    async with ctx["resources"].unit() as db:
        suppressed = await crud.suppression_of(db, to)
    if suppressed is not None:
        return f"not sent: the address is on the suppression list ({suppressed.reason})"
    message = encode(
        render(template, {"app": app.app_name, **values}),
        sender=smtp.smtp_from,
        name=app.app_name,
        to=to,
        message_id=ctx["job_id"],
        date=datetime.now(UTC),
    )
    try:
        await deliver(smtp, mailbox(smtp.smtp_from), mailbox(to), message)
    except Refused as refused:
        if not refused.address:
            raise JobRefused(str(refused)) from None
        await crud.suppress(ctx["db"], to, "refused")
        return "not sent: the address's server has no such mailbox; it gets no more mail"
    log.info("mail sent", template=template)
    return "sent"


functions = [send, send_link, purge_links]
cron_jobs = [Schedule(purge_links, minute=41)]
