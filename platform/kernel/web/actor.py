"""Who writes by privilege: said to the transaction, for a feature that keeps an account of it."""

from kernel.context import request_id_var
from kernel.db.unit_of_work import UnitOfWork


async def note_actor(unit: UnitOfWork, user_id: int) -> None:
    """Say who writes in this unit by privilege, where a feature keeps an account of that.

    What the unit has written before isn't seen.
    """
    settings_of = unit.resources.provider("actor_settings")
    if settings_of is not None:
        driver = await unit.driver_connection()
        await driver.begin_with(settings_of(user_id, request_id_var.get() or ""))
