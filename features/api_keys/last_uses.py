"""When keys were last used: noted in memory, written by the minute, on no request's way."""

from datetime import datetime

import structlog

from features.api_keys import crud
from kernel.db import Resources, now

log = structlog.get_logger(__name__)

INTERVAL = 60.0  # seconds


class LastUses:
    """What this process has to write: the last use of each key, since the last time."""

    def __init__(self) -> None:
        self._noted: dict[int, datetime] = {}

    def note(self, key_id: int) -> None:
        """The key is used now."""
        self._noted[key_id] = now()

    async def write(self, resources: Resources) -> None:
        """Write what was noted, by one statement. What can't be written now is written later."""
        noted, self._noted = self._noted, {}
        if not noted:
            return
        try:
            async with resources.unit() as unit:
                await crud.note_uses(unit, noted)
        except Exception as error:  # noqa: BLE001 - whatever it is, the next time may go well
            self._noted = {**noted, **self._noted}
            log.warning("last uses of API keys are not written", reason=type(error).__name__)


last_uses = LastUses()
