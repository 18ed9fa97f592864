"""What the admin site does when an account is erased: what was typed by it, or about it, goes."""

from features.admin import drafts
from features.users.crud import names_of
from features.users.events import UserDeleted
from kernel.db import UnitOfWork


async def erase_drafts(event: UserDeleted, unit: UnitOfWork) -> None:
    if not event.for_good:
        return
    texts, path = await names_of(unit, event.user_id), f"/user/edit/{event.user_id}"

    async def erase() -> None:
        found = [text for text in texts if text]
        await drafts.erase(unit.resources, event.user_id, path, found)

    unit.after_commit(erase)


handlers = {UserDeleted: [erase_drafts]}
