"""Queries on addresses that wait for their confirmation."""

from contextlib import suppress
from datetime import timedelta

from fastcrud import FastCRUD
from sqlalchemy import Integer, String, bindparam, cast, delete, func, insert, literal, select
from sqlalchemy.exc import NoResultFound
from sqlmodel import col

from features.emails.crud import UNSENT, send_link, withdraw_links
from features.users.crud import LIVE
from features.users.models import User, UserCreateInternal, UserRead
from features.verification.models import PendingRegistration, Registration, UnverifiedUser
from features.verification.settings import VerificationSettings
from kernel import jobs
from kernel.db import CompiledQuery, UnitOfWork, now

# Each is the purpose of a link, or a mail's template.
CONFIRM = "verification.confirm"
CHANGE = "verification.change"
REGISTER = "verification.register"
ADDRESS_CHANGES, ADDRESS_CHANGED = "verification.address_changes", "verification.address_changed"
REGISTERED, WANTED = "verification.registered", "verification.wanted"
LINKS = (CONFIRM, CHANGE, REGISTER)
ASK, OFFER = "verification.ask", "verification.offer"  # tasks
NOTHING = 0

crud_pending = FastCRUD(PendingRegistration)

# By hand, for the bench: asked with every write, where REQUIRE_VERIFIED_EMAIL is on.
unverified = CompiledQuery(
    select(col(UnverifiedUser.user_id)).where(col(UnverifiedUser.user_id) == bindparam("user_id")),
    int,
)
# By hand, for its join and the index on lower(email).
unverified_by_email = CompiledQuery(
    select(col(UnverifiedUser.user_id))
    .join(User, col(User.id) == col(UnverifiedUser.user_id))
    .where(func.lower(col(User.email)) == func.lower(bindparam("email")), LIVE),
    int,
)
# By hand, for the index on lower(email). Of those of one address the last one.
pending_by_email = CompiledQuery(
    select(col(PendingRegistration.id))
    .where(func.lower(col(PendingRegistration.email)) == func.lower(bindparam("email")))
    .order_by(col(PendingRegistration.id).desc())
    .limit(1),
    int,
)
registration_by_id = CompiledQuery(
    crud_pending.select(schema_to_select=Registration, id=bindparam("registration_id")),
    Registration,
)
# By hand for the id: the next one of the accounts', so that it tells nothing of a registration
# whether an account with that id is made at once, later or never.
_next_id = func.nextval(func.pg_get_serial_sequence(literal('"user"'), literal("id")))
_VALUES = ("name", "username", "email", "hashed_password")
_keep_registration = CompiledQuery(
    insert(PendingRegistration)
    .from_select(
        ["id", *_VALUES],
        select(cast(_next_id, Integer), *[bindparam(one, type_=String()) for one in _VALUES]),
    )
    .returning(col(PendingRegistration.id)),
    int,
    writes=True,
)
# By hand, for its race: of those who confirm at once, one gets the row.
take_registration = CompiledQuery(
    delete(PendingRegistration)
    .where(col(PendingRegistration.id) == bindparam("registration_id"))
    .returning(*[getattr(PendingRegistration, name) for name in Registration.model_fields]),
    Registration,
    writes=True,
)
# By hand, as `_withdraw` of links: it must not count as a commit.
_verify = CompiledQuery(
    delete(UnverifiedUser)
    .where(col(UnverifiedUser.user_id) == bindparam("user_id"))
    .returning(col(UnverifiedUser.user_id)),
    int,
    writes=True,
)


async def register_later(db: UnitOfWork, user: UserCreateInternal) -> UserRead:
    """Keep a registration until its address is confirmed. Returns what the account is to be."""
    values = {name: getattr(user, name) for name in _VALUES}
    registration_id = await _keep_registration.scalar(db, **values)
    assert registration_id is not None
    await jobs.add(db, ASK, registration_id=registration_id)
    shown = user.model_dump(include={"name", "username", "email"})
    return UserRead(id=registration_id, **shown, profile_image_url=None, tier_id=None)


async def ask_again(db: UnitOfWork, email: str) -> None:
    """Queue another link for the account or the registration of that address that waits for one.

    As many statements whether there is one, and the address isn't kept: the time tells nothing.
    """
    user_id = await unverified_by_email.scalar(db, email=email)
    registration_id = await pending_by_email.scalar(db, email=email)
    await jobs.add(db, ASK, user_id=user_id or NOTHING, registration_id=registration_id or NOTHING)


async def mail_link(db: UnitOfWork, purpose: str, to: str, subject_id: int) -> None:
    """Mail a link by which the address is confirmed."""
    settings = db.resources.settings.group(VerificationSettings)
    await send_link(
        db,
        purpose,
        to,
        subject_id=subject_id,
        page=settings.email_confirmation_page,
        lifetime=timedelta(hours=settings.email_confirmation_hours),
    )


async def verify(db: UnitOfWork, user_id: int) -> None:
    """Count the account as verified, in every process once the unit has committed."""
    await _verify.all(db, user_id=user_id)
    await withdraw_links(db, user_id, CONFIRM)


async def purge_registrations(db: UnitOfWork) -> int:
    """Remove registrations whose links have expired. Returns how many."""
    hours = db.resources.settings.group(VerificationSettings).email_confirmation_hours
    before = now() - timedelta(hours=hours) - UNSENT
    expired = await crud_pending.count(db, created_at__lt=before)
    with suppress(NoResultFound):
        await crud_pending.db_delete(db, allow_multiple=True, created_at__lt=before)
    return expired
