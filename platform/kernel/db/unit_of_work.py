"""The unit of work that every request and every job runs in."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import cached_property
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

import asyncpg
import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session
from sqlalchemy.pool import PoolProxiedConnection
from sqlalchemy.util import await_only, greenlet_spawn

from kernel.config.loader import Settings
from kernel.db.engine import Database
from kernel.db.errors import DatabaseUnavailable, is_connection_lost, is_unavailable
from kernel.errors import CustomException
from kernel.redis.client import Redis

log = structlog.get_logger(__name__)

Hook = Callable[[], Awaitable[None]]
Kind = TypeVar("Kind")


class Resources(Protocol):
    """What a process holds open, as units, requests and jobs reach it (see kernel.resources)."""

    settings: Settings
    database: Database
    draining: bool

    def unit(self) -> "UnitOfWork":
        """A new unit of work."""

    def redis(self, role: str) -> Redis | None:
        """The client of one Redis role; None when it is opted out of."""

    def get(self, kind: type[Kind]) -> Kind:
        """The process's one object of that class: the limiter, the cache's stores."""

    def provider(self, name: str) -> Any:
        """What a feature's providers.py offers under that name; None when none does."""


class _UnitSession(Session):
    """A session on the unit's own connection, taken when the session first needs it."""

    unit: "UnitOfWork"

    def get_bind(self, *_: Any, **__: Any) -> Connection:
        return await_only(self.unit._session_connection())


class UnitOfWork(AsyncSession):
    """One transaction on one connection, committed once, by whoever began the unit.

    It is an AsyncSession, for FastCRUD and the ORM, and it gives the driver's connection to
    kernel.db.compiled_query; both see each other's rows. `commit()` only flushes: the transaction
    is committed when the unit ends well, before the answer leaves, and then the after-commit hooks
    run in order. A hook that fails is logged and changes nothing. Used after its end, it raises.
    """

    def __init__(self, database: Database, resources: Resources) -> None:
        # AsyncSession's constructor would make the Session at once; see sync_session.
        self._database = database
        self.resources = resources
        self._async_bind, self._async_binds = database.engine, {}
        self._fairy: PoolProxiedConnection | None = None
        self._connection: Connection | None = None
        self._session: Session | None = None
        self._info: dict[Any, Any] = {}
        self._before_commit: list[Hook] = []
        self._after_attempt: list[Hook] = []
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

    @property
    def info(self) -> dict[Any, Any]:
        """Room for what others keep with the unit; emptied by a rollback."""
        return self._info

    def before_commit(self, hook: Hook) -> None:
        """Run `hook` inside the transaction, right before it commits; raising undoes it all."""
        self._before_commit.append(hook)

    def after_commit(self, hook: Hook, *, even_if_failed: bool = False) -> None:
        """Run `hook` once the transaction is durable, before the answer leaves.

        `even_if_failed` runs it first, and also after a commit that failed: the server may have
        done it all the same, and only its answer was lost.
        """
        (self._after_attempt if even_if_failed else self._after_commit).append(hook)

    async def asyncpg_connection(self, write: bool = False) -> "asyncpg.Connection[asyncpg.Record]":
        """The asyncpg connection of this unit; with `write`, inside its transaction.

        Raises DatabaseUnavailable when there is none to be had.
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

    @property
    def is_unused(self) -> bool:
        """Whether its end has nothing to commit, and nothing to run."""
        hooks = self._before_commit or self._after_attempt or self._after_commit
        return not (self.in_transaction_block or self.has_pending_changes or hooks)

    async def replace_connection(self) -> None:
        """Give up a connection that was cut, for one that answers. Only for a unit that hasn't
        begun a transaction. Raises DatabaseUnavailable."""
        # What has cut this one has cut the idle ones, too, and a client sees that late.
        for _ in range(self._database.size + 1):
            await self._discard()
            self._fairy = await self._database.checkout()
            try:
                await self._fairy.driver_connection.fetchval("SELECT 1")  # type: ignore[union-attr]
            except Exception as error:
                if not is_connection_lost(error):
                    raise
            else:
                return
        raise DatabaseUnavailable("Every connection was cut.")

    def release_connection(self) -> None:
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
        self._info.clear()
        for hooks in (self._before_commit, self._after_attempt, self._after_commit):
            hooks.clear()
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
        if isinstance(error, Exception) and not is_unavailable(error):
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
        if error is None or (isinstance(error, CustomException) and error.commits):
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
                raise DatabaseUnavailable(str(error.orig)) from error
            except Exception as error:
                if attempt == 2 or not is_connection_lost(error):
                    raise
                # Cut while it was idle: nothing has happened in this unit yet.
                await self.replace_connection()
            else:
                return

    async def _session_connection(self) -> Connection:
        if self._connection is None:
            await self.asyncpg_connection(write=True)
            self._connection = Connection(self._database.engine.sync_engine, connection=self._fairy)
        return self._connection

    async def _commit(self) -> None:
        if self._session is not None:
            await self.flush()
        for hook in self._before_commit:
            await hook()
        try:
            if self._session is not None and self._session.in_transaction():
                await super().commit()
            if self.in_transaction_block:
                await self._adapted._call_and_discard(self._adapted._transaction.commit)
        finally:
            for hook in self._after_attempt:
                await hook()

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
