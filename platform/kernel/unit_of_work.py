"""The unit of work that every request and every job runs in."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import cached_property
from secrets import token_hex
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import asyncpg
import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session
from sqlalchemy.pool import PoolProxiedConnection
from sqlalchemy.util import await_only, greenlet_spawn

from kernel.database import Database
from kernel.database_errors import DatabaseAway, is_away, is_cut
from kernel.versioning import debts

if TYPE_CHECKING:
    from kernel.resources import Resources
    from kernel.versioning.versions import Versions

log = structlog.get_logger(__name__)

Hook = Callable[[], Awaitable[None]]


class _UnitSession(Session):
    """A session on the unit's own connection, taken when the session first needs it."""

    unit: "UnitOfWork"

    def get_bind(self, *_: Any, **__: Any) -> Connection:
        return await_only(self.unit._session_connection())


class UnitOfWork(AsyncSession):
    """One transaction on one connection, committed once, by whoever began the unit.

    It is an AsyncSession, for FastCRUD and the ORM, and it gives the driver's connection to
    kernel.statements; both see each other's rows. `commit()` only flushes: the transaction is
    committed when the unit ends well, before the answer leaves, and then the after-commit hooks
    run in order. A hook that fails is logged and changes nothing. Used after its end, it raises.
    """

    def __init__(self, database: Database, resources: "Resources") -> None:
        # AsyncSession's constructor would make the Session at once; see sync_session.
        self._database = database
        self.resources = resources
        self._async_bind, self._async_binds = database.engine, {}
        self._fairy: PoolProxiedConnection | None = None
        self._connection: Connection | None = None
        self._session: Session | None = None
        self._forgotten: dict[Versions, set[str]] = {}
        self._after_commit: list[Hook] = []
        self._over = False

    @cached_property
    def sync_session(self) -> Session:  # type: ignore[override]
        """SQLAlchemy's Session, made when it is first used: most requests need none."""
        session = _UnitSession(close_resets_only=False, expire_on_commit=False)
        session.unit = self
        self._session = self._assign_proxied(session)
        return session

    @property
    def _proxied(self) -> Session:  # type: ignore[override]
        return self.sync_session

    def forget(self, versions: "Versions", *names: str) -> None:
        """Forget what depends on these names, once and only if the unit commits."""
        self._forgotten.setdefault(versions, set()).update(names)

    def after_commit(self, hook: Hook) -> None:
        """Run `hook` once the transaction is durable, before the answer leaves."""
        self._after_commit.append(hook)

    async def driver(self, write: bool = False) -> "asyncpg.Connection[asyncpg.Record]":
        """The asyncpg connection of this unit; with `write`, inside its transaction.

        Raises DatabaseAway when there is none to be had.
        """
        if self._over:
            raise RuntimeError("This unit of work is over; take what you need before it ends.")
        if self._fairy is None:
            self._fairy = await self._database.checkout()
        if write and self._adapted._transaction is None:
            await self._begin()
        return self._fairy.driver_connection  # type: ignore[return-value]

    @property
    def in_transaction_block(self) -> bool:
        """Whether a transaction has begun on the unit's connection."""
        # SQLAlchemy takes a connection that was cut away from its fairy.
        return bool(self._fairy and self._adapted) and self._adapted._transaction is not None

    @property
    def has_pending_changes(self) -> bool:
        """Whether the session holds objects that it hasn't written yet."""
        session = self._session
        return session is not None and bool(session.new or session.dirty or session.deleted)

    async def replace_connection(self) -> None:
        """Give up a connection that was cut, for one that answers. Only for a unit that hasn't
        begun a transaction. Raises DatabaseAway."""
        # What has cut this one has cut the idle ones, too, and a client sees that late.
        for _ in range(self._database.size + 1):
            await self._discard()
            self._fairy = await self._database.checkout()
            try:
                await self._fairy.driver_connection.fetchval("SELECT 1")  # type: ignore[union-attr]
            except Exception as error:
                if not is_cut(error):
                    raise
            else:
                return
        raise DatabaseAway("Every connection was cut.")

    def let_go(self) -> None:
        """Give the connection back before a long wait; the next use takes one again.

        Does nothing once a transaction has begun.
        """
        if self._fairy is not None and not self.in_transaction_block:
            fairy, self._fairy = self._fairy, None
            fairy.close()

    async def commit(self) -> None:
        """Flush. The unit commits at its end, once, so that an error undoes all of it."""
        await self.flush()

    async def rollback(self) -> None:
        """Undo everything since the unit began."""
        self._forgotten.clear()
        self._after_commit.clear()
        if self._session is not None:
            await super().rollback()
        await self._roll_back()

    async def finish(self) -> None:
        """Commit, then run the hooks. When the commit fails, the error is raised."""
        if self._over:
            return
        try:
            await self._commit()
        except BaseException as error:
            await self.fail(error)
            raise
        self._over = True
        self._give_back()
        for hook in self._after_commit:
            await _run_hook(hook)

    async def fail(self, error: BaseException) -> None:
        """Roll back because of `error`; no hook runs, and nothing is raised."""
        if self._over:
            return
        # A silent or lost server would answer a rollback no better, and a cancelled task can't
        # wait for one: the connection's end undoes the transaction, too.
        rolled_back = False
        if isinstance(error, Exception) and not is_away(error):
            try:
                await self.rollback()
                rolled_back = True
            except Exception as second:  # noqa: BLE001 whatever it is, the connection goes
                log.warning("connection dropped", error=str(second))
        self._over = True
        if rolled_back:
            self._give_back()
        else:
            await self._discard()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if error is None:
            await self.finish()
        else:
            await self.fail(error)

    # SQLAlchemy keeps the driver's transaction in private names of its asyncpg dialect
    # (_transaction, _start_transaction, _call_and_discard). They are used here and nowhere else,
    # the version is pinned, and tests/test_database.py fails when one of them is gone.

    @property
    def _adapted(self) -> Any:
        assert self._fairy is not None
        return self._fairy.dbapi_connection

    async def _begin(self) -> None:
        for attempt in (1, 2):
            try:
                await self._adapted._start_transaction()
            except DBAPIError as error:
                raise DatabaseAway(str(error.orig)) from error
            except Exception as error:
                if attempt == 2 or not is_cut(error):
                    raise
                # Cut while it was idle: nothing has happened in this unit yet.
                await self.replace_connection()
            else:
                return

    async def _session_connection(self) -> Connection:
        if self._connection is None:
            await self.driver(write=True)
            self._connection = Connection(self._database.engine.sync_engine, connection=self._fairy)
        return self._connection

    async def _commit(self) -> None:
        if self._session is not None:
            await self.flush()
        token = token_hex(8)
        for versions, names in self._forgotten.items():
            if not await versions.mark(names, token):
                await debts.note(self, versions, names)
        try:
            if self._session is not None and self._session.in_transaction():
                await super().commit()
            if self.in_transaction_block:
                await self._adapted._call_and_discard(self._adapted._transaction.commit)
        finally:
            # A commit that failed may have happened all the same: its answer was lost.
            for versions, names in self._forgotten.items():
                await versions.forget(names, token)

    async def _roll_back(self) -> None:
        if self.in_transaction_block:
            await self._adapted._call_and_discard(self._adapted._transaction.rollback)

    def _give_back(self) -> None:
        if self._session is not None:
            self._session.expunge_all()
        fairy, self._fairy = self._fairy, None
        if fairy is not None:
            fairy.close()

    async def _discard(self) -> None:
        fairy, self._fairy = self._fairy, None
        # SQLAlchemy gives a connection up itself when it sees that it was cut.
        if fairy is not None and fairy.driver_connection is not None:
            fairy.driver_connection.terminate()
            await asyncio.shield(greenlet_spawn(fairy.invalidate))


async def _run_hook(hook: Hook) -> None:
    try:
        await hook()
    except Exception:
        log.exception("after-commit hook failed", hook=getattr(hook, "__qualname__", str(hook)))
