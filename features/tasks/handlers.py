"""What tasks do when an account is erased: its jobs go, and those that hold its address."""

from features.tasks.crud import USER
from features.tasks.queued import erase_after_commit
from features.tasks.removal import address_in_text, erase_about
from features.users.crud import names_of
from features.users.events import UserDeleted
from kernel.db import UnitOfWork


async def erase_jobs(event: UserDeleted, unit: UnitOfWork) -> None:
    if not event.for_good:
        return
    queued_by, (username, email) = f"{USER}{event.user_id}", await names_of(unit, event.user_id)
    address = address_in_text(email) if email else None
    texts = [f'"queued_by":"{queued_by}"', f'"{email}"' if email else ""]

    async def erase() -> None:
        gone = await erase_about.all(
            unit,
            queued_by=queued_by,
            email=email and email.lower(),
            address=address,
            username=username,
        )
        erase_after_commit(unit, texts, [row["job_id"] for row in gone])

    # Once the user's row is gone: a job that ends meanwhile is kept before it, or not at all.
    unit.before_commit(erase)


handlers = {UserDeleted: [erase_jobs]}
