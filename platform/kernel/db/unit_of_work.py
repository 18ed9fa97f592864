"""The unit of work that every request and every job runs in."""

from collections.abc import Awaitable, Callable
from functools import cached_property
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

import asyncpg
import structlog
from sqlalchemy import Result
from sqlalchemy.ext.asyncio import AsyncSession as SQLAlchemySession
from sqlmodel import Session
from sqlmodel.ext.asyncio.session import AsyncSession

from kernel.config.loader import Settings
from kernel.db.driver_connection import DriverConnection
from kernel.db.engine import Database
from kernel.db.errors import is_driver_unavailable, is_unavailable, unavailable
from kernel.db.nested_changes import flag_changes
from kernel.db.session import UnitSession
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
        ...

    def redis(self, role: str) -> Redis | None:
        """The client of one Redis role; None when it is opted out of."""

    def get(self, kind: type[Kind]) -> Kind:
        """The process's one object of that class: the limiter, the cache's stores."""
        ...

    def provider(self, name: str) -> Any:
        """What a feature's providers.py offers under that name; None when none does."""


class UnitOfWork(AsyncSession):
    """One transaction on one connection, committed once, where the unit was begun.

    It is SQLModel's AsyncSession, for FastCRUD and the ORM, and it gives the driver's connection
    to kernel.db.compiled_query; both see each other's rows. `commit()` only flushes: the
    transaction is committed when the unit ends well, before the answer leaves, and then the
    after-commit hooks run in order. A hook that fails is logged and changes nothing. Used after
    its end, it raises.
    """

    raised: BaseException | None = None
    """What was raised in it, so that it counts although a dependency with `yield` swallowed it."""

    def __init__(self, resources: Resources, connection: DriverConnection | None = None) -> None:
        # AsyncSession's constructor would make the Session at once; see sync_session.
        self.resources = resources
        self._async_bind, self._async_binds = resources.database.engine, {}
        self._connection = connection or DriverConnection(resources.database)
        self._session: Session | None = None
        self._info: dict[Any, Any] = {}
        self._before_commit: list[Hook] = []
        self._after_attempt: list[Hook] = []
        self._after_commit: list[Hook] = []
        self.is_over = False  # its after-commit hooks may still run
        self._promised = False  # whether commit() was called

    @cached_property
    def sync_session(self) -> Session:  # type: ignore[override]
        """SQLAlchemy's Session, made when it is first used: most requests need none."""
        # For what asks of which dialect it is; the connection is the unit's own.
        engine = self.resources.database.engine.sync_engine
        session = UnitSession(engine, close_resets_only=False, expire_on_commit=False)
        session.driver = self._connection
        self._assign_proxied(session)
        self._session = session
        return session

    @property
    def _proxied(self) -> Session:  # type: ignore[override]
        return self.sync_session

    async def execute(self, *statement: Any, **options: Any) -> Result[*tuple[Any, ...]]:
        """As SQLAlchemy's session does: SQLModel's warns at each call, also of FastCRUD's."""
        return await SQLAlchemySession.execute(self, *statement, **options)

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
        driver = await self.driver_connection()
        connection = await driver.take(write)
        driver.has_effects = True  # what it is for, only the caller knows
        return connection

    async def driver_connection(self) -> DriverConnection:
        """The unit's connection, for kernel.db's own statements."""
        if self.is_over:
            raise RuntimeError("This unit of work is over; take what you need before it ends.")
        if self._session is not None and self._session.in_nested_transaction():
            # Or the savepoint would be made with the session's next statement, after this one.
            await self.connection()
        return self._connection

    @property
    def in_transaction_block(self) -> bool:
        """Whether a transaction has begun on the unit's connection."""
        return self._connection.in_transaction

    @property
    def has_pending_changes(self) -> bool:
        """Whether the session holds objects that it hasn't written yet."""
        session = self._session
        if session is not None:
            flag_changes(session)
        return session is not None and bool(session.new or session.dirty or session.deleted)

    @property
    def is_unused(self) -> bool:
        """Whether its end has nothing to commit, and nothing to run."""
        hooks = self._before_commit or self._after_attempt or self._after_commit
        return not (self.in_transaction_block or self.has_pending_changes or hooks)

    def release_connection(self) -> None:
        """Give the connection back before a long wait; the next use takes one again.

        Does nothing once a transaction has begun.
        """
        if not self.in_transaction_block:
            self._connection.give_back()

    async def commit(self) -> None:
        """Flush. The unit commits at its end, once, so that an error undoes all of it."""
        await self.flush()
        self._promised = self.in_transaction_block

    async def rollback(self) -> None:
        """Undo everything since the unit began.

        Raises RuntimeError after a `commit()`, whose rows would be lost without a word.
        """
        if self._promised:
            raise RuntimeError(
                "rollback() would undo what commit() flushed: the unit commits at its end. Use "
                "`async with db.begin_nested():`, or raise. See docs/crud.md#transactions."
            )
        self._forget()
        if self._session is not None:
            await super().rollback()
        await self._connection.rollback()

    async def finish(self) -> None:
        """Commit, then run the hooks. When the commit fails, the error is raised."""
        if self.is_over:
            return
        try:
            await self._commit()
        except BaseException as error:
            await self.fail(error)
            raise
        self.is_over = True
        self._give_back()
        for hook in self._after_commit:
            await run_hook(hook)

    async def fail(self, error: BaseException) -> None:
        """Roll back because of `error`; no hook runs, and nothing is raised."""
        if self.is_over:
            return
        # A silent or lost server would answer a rollback no better, and a cancelled task can't
        # wait for one: the connection's end undoes the transaction, too.
        rolled_back = False
        if isinstance(error, Exception) and not is_unavailable(error):
            try:
                self._promised = False
                await self.rollback()
                rolled_back = True
            except Exception as second:  # noqa: BLE001 whatever it is, the connection goes
                log.warning("connection dropped", error=str(second))
        self.is_over = True
        if rolled_back:
            self._give_back()
        else:
            self._connection.discard()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        error = error or self.raised
        if error is None or (isinstance(error, CustomException) and error.commits):
            await self.finish()
        else:
            await self.fail(error)

    async def _commit(self) -> None:
        if self._session is not None:
            await self.flush()
        for hook in self._before_commit:
            await hook()
        try:
            if self._session is not None and self._session.in_transaction():
                await super().commit()
            await self._connection.commit()
        except Exception as error:
            if not is_driver_unavailable(error):
                raise
            raise unavailable(error) from error
        finally:
            for hook in self._after_attempt:
                await hook()

    def _forget(self) -> None:
        for kept in (self._info, self._before_commit, self._after_attempt, self._after_commit):
            kept.clear()

    def _give_back(self) -> None:
        if self._session is not None:
            self._session.expunge_all()
        self._connection.give_back()


async def run_hook(hook: Hook) -> None:
    """Run an after-commit hook; an error is logged."""
    try:
        await hook()
    except Exception:
        log.exception("after-commit hook failed", hook=getattr(hook, "__qualname__", str(hook)))
