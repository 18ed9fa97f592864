"""Jobs that mail links to addresses that are to be confirmed."""

import structlog
from pydantic import BaseModel, EmailStr

from features.auth.throttle import account_key
from features.emails.crud import send_email, send_notice
from features.emails.settings import EmailSettings
from features.users.crud import id_by_email, user_by_id
from features.verification import crud
from features.verification.models import Registration
from kernel.db import UnitOfWork
from kernel.jobs import JobContext, Schedule, task
from kernel.rate_limit import Limiter, Quota, Rule

log = structlog.get_logger(__name__)


class Waiting(BaseModel):
    """The account and the registration that wait for a confirmation; 0 where there is none."""

    user_id: int = crud.NOTHING
    registration_id: int = crud.NOTHING


class Offer(BaseModel):
    """Whose address is to be which one."""

    user_id: int
    email: EmailStr


class NoArguments(BaseModel):
    """The job needs none."""


@task(crud.ASK)
async def ask(ctx: JobContext, arguments: Waiting) -> None:
    """Mail a link to the account's address if it still waits, and to that of the registration."""
    db = ctx["db"]
    user_id = await crud.unverified.scalar(db, user_id=arguments.user_id)
    user = user_id and await user_by_id.one(db, user_id=user_id)
    if user and user.email:
        await crud.mail_link(db, crud.CONFIRM, user.email, user.id)
    registration = await crud.registration_by_id.one(db, registration_id=arguments.registration_id)
    if registration is not None and await _may_mail(db, registration.email):
        await _invite(db, registration)


async def _invite(db: UnitOfWork, registration: Registration) -> None:
    holder_id = await id_by_email.scalar(db, email=registration.email)
    holder = holder_id and await user_by_id.one(db, user_id=holder_id)
    if not holder:
        await crud.mail_link(db, crud.REGISTER, registration.email, registration.id)
        return
    await crud.take_registration.one(db, registration_id=registration.id)
    assert holder.email is not None
    await send_email(db, crud.REGISTERED, holder.email, username=holder.username)


async def _may_mail(db: UnitOfWork, email: str) -> bool:
    # Anybody may register any address, or want it for an account, again and again.
    settings = db.resources.settings.group(EmailSettings)
    rule = Rule(settings.email_link_limit, settings.email_link_period)
    key = f"registrations:{account_key(None, email)}"
    decision = await db.resources.get(Limiter).acquire(Quota(key, rule))
    return decision is None or decision.accepted


@task(crud.OFFER)
async def offer(ctx: JobContext, arguments: Offer) -> None:
    """Mail a link to the new address, and tell the old one; or tell the account that has it."""
    db = ctx["db"]
    user = await user_by_id.one(db, user_id=arguments.user_id)
    if user is None or user.email is None or not await _may_mail(db, arguments.email):
        return
    holder_id = await id_by_email.scalar(db, email=arguments.email)
    holder = holder_id and await user_by_id.one(db, user_id=holder_id)
    if holder and holder.email:
        await send_notice(db, crud.WANTED, holder.email, username=holder.username)
    else:
        await crud.mail_link(db, crud.CHANGE, arguments.email, user.id)
    if await crud.unverified.scalar(db, user_id=user.id) is None:
        await send_notice(db, crud.ADDRESS_CHANGES, user.email, username=user.username)


@task("verification.purge", unique="")
async def purge(ctx: JobContext, arguments: NoArguments) -> None:
    """Remove registrations that were never confirmed."""
    log.info("registrations purged", registrations=await crud.purge_registrations(ctx["db"]))


functions = [ask, offer, purge]
cron_jobs = [Schedule(purge, minute=47)]
