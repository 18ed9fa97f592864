"""What is written of keys that are used: noted in memory, written by the minute, on no request's
way."""

from datetime import UTC, datetime

import structlog

from features.api_keys import crud
from kernel.db import Resources

log = structlog.get_logger(__name__)

INTERVAL = 60.0  # seconds


class LastUses:
    """What this process has to write: the last use of each key, since the last time; and hashes of
    keys by the SECRET_KEY of today."""

    def __init__(self) -> None:
        self._noted: dict[int, float] = {}
        self._hashes: dict[int, str] = {}

    def note(self, key_id: int, moment: float, hashed_key: str | None = None) -> None:
        """When the key is used, in seconds since 1970; its hash, if the one that is stored was made
        by an earlier SECRET_KEY."""
        self._noted[key_id] = moment
        if hashed_key is not None:
            self._hashes[key_id] = hashed_key

    async def write(self, resources: Resources) -> None:
        """Write the uses, by one statement. What can't be written now is written later."""
        noted, self._noted = self._noted, {}
        hashes, self._hashes = self._hashes, {}
        if not noted:
            return
        try:
            async with resources.unit() as unit:
                moments = {one: datetime.fromtimestamp(noted[one], UTC) for one in noted}
                await crud.note_uses(unit, moments)
                for key_id, hashed_key in hashes.items():
                    await crud.hash_anew(unit, key_id, hashed_key)
        except Exception as error:  # noqa: BLE001 - whatever it is, the next time may go well
            self._noted, self._hashes = {**noted, **self._noted}, {**hashes, **self._hashes}
            log.warning("last uses of API keys are not written", reason=type(error).__name__)


last_uses = LastUses()
