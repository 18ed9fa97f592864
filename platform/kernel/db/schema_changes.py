"""When a migration was last noticed: from then on each connection of the process plans anew.

SQLAlchemy's asyncpg dialect keeps that moment, for the statements of sessions, in private names
(_invalidate_schema_cache, _invalidate_schema_cache_asof, _check_type_cache_invalidation,
_prepared_statement_cache). Compiled queries, whose plans asyncpg keeps, follow it here. The version
is pinned, and tests/test_unit_of_work.py fails when one of them is gone.
"""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine


async def follow_changes(engine: AsyncEngine, adapted: Any) -> None:
    """Plan anew on a connection that was last in use before a change was noticed.

    It costs no round trip.
    """
    dialect: Any = engine.dialect
    await adapted._check_type_cache_invalidation(dialect._invalidate_schema_cache_asof)


async def plan_anew(engine: AsyncEngine, adapted: Any) -> None:
    """Plan every statement anew on this connection, and on others when they are next taken."""
    dialect: Any = engine.dialect
    dialect._invalidate_schema_cache()
    if (statements := adapted._prepared_statement_cache) is not None:
        statements.clear()
    await follow_changes(engine, adapted)
