"""What the admin site does when an account is erased: what was typed by it, or about it, goes."""

from features.admin import drafts
from features.users.events import UserDeleted
from features.users.models import User
from kernel.db import UnitOfWork


async def erase_drafts(event: UserDeleted, unit: UnitOfWork) -> None:
    if not event.for_good:
        return
    user, path = await unit.get_one(User, event.user_id), f"/user/edit/{event.user_id}"
    known_as = (user.username, user.email, user.name)

    async def erase() -> None:
        await drafts.erase(unit.resources, event.user_id, path, known_as)

    unit.after_commit(erase)


handlers = {UserDeleted: [erase_drafts]}
