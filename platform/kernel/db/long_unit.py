"""The unit of work of what outlives its transactions: a websocket."""

from kernel.db.unit_of_work import UnitOfWork, run_hook


class LongUnitOfWork(UnitOfWork):
    """A unit of work whose `commit()` commits at once, runs the hooks and gives the connection
    back, as `rollback()` does; the next use begins anew. What was not committed when the unit ends
    is committed then, or rolled back because of an exception."""

    async def commit(self) -> None:
        """Commit what was done so far. After an error, roll back before going on."""
        await self._commit()
        hooks = [*self._after_commit]
        self._begin_anew()
        for hook in hooks:
            await run_hook(hook)

    async def rollback(self) -> None:
        """Undo everything since the last commit."""
        await super().rollback()
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._forget()
        self.release_connection()
