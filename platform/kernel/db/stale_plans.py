"""Statements whose plan a migration has made stale: they run once more where nothing is lost by it.

After ALTER TABLE a prepared statement no longer gives the columns that it promised, and PostgreSQL
refuses it (0A000), which aborts the transaction. One that has only read begins anew: each statement
sees what is committed when it begins (READ COMMITTED), so the reads before it need no repetition.
After a write or a lock the error stands, and the client is told to try again; but not where a row
is refreshed, as FastCRUD's `create` does after its INSERT (kernel.db.session).
"""

import re
from functools import lru_cache
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.util import await_only

from kernel.db.driver_connection import OPTION, DriverConnection
from kernel.db.errors import is_stale_plan

# The words before a bracket in what only reads: of the language, types, and functions of
# PostgreSQL's that change nothing. Any other function may, so it counts as a write.
READS = re.compile(r"\s*(select|with)\b", re.IGNORECASE)
WRITES = re.compile(r"\b(insert|update|delete|merge|into|share)\b", re.IGNORECASE)
CALLS = re.compile(r"([\w$\".]+)\s*\(")
HARMLESS = re.compile(
    """
    all|and|any|array|as|bit|by|case|cast|char|distinct|else|except|exists|extract|filter|from|
    having|in|intersect|interval|join|lateral|materialized|not|numeric|on|or|order|over|row|select|
    some|then|timestamp|time|union|using|values|varchar|when|where|with|within|
    abs|array_agg|array_length|avg|bool_and|bool_or|ceil|char_length|coalesce|concat|count|
    date_part|date_trunc|dense_rank|first_value|floor|greatest|json_agg|json_build_object|jsonb_agg|
    jsonb_array_length|jsonb_build_object|jsonb_each|jsonb_to_recordset|lag|last_value|lead|least|
    left|length|lower|max|min|now|nullif|plainto_tsquery|rank|right|round|row_number|string_agg|
    substring|sum|to_char|to_tsquery|to_tsvector|trim|ts_rank|unnest|upper|websearch_to_tsquery
    """,
    re.IGNORECASE | re.VERBOSE,
)


@lru_cache(maxsize=2000)
def only_reads(sql: str) -> bool:
    """Whether nothing is lost when the transaction that ran it is rolled back. In doubt: False."""
    if not READS.match(sql) or WRITES.search(sql):
        return False
    return all(map(HARMLESS.fullmatch, CALLS.findall(sql)))


@event.listens_for(Engine, "do_execute")
def _execute(cursor: Any, statement: str, parameters: Any, context: Any) -> bool:
    """Execute in a unit of work's session; others' statements are left to SQLAlchemy."""
    driver: DriverConnection | None = context.execution_options.get(OPTION)
    if driver is None:
        return False
    try:
        cursor.execute(statement, parameters)
    except Exception as error:
        if driver.has_effects or not is_stale_plan(error):
            raise
        await_only(driver.forget_plans())
        await_only(driver.begin_anew())
        cursor.execute(statement, parameters)
    # The rows of a server-side cursor come later, from this very transaction.
    if cursor.server_side or not only_reads(statement):
        driver.has_effects = True
    return True


@event.listens_for(Engine, "do_executemany")
@event.listens_for(Engine, "do_execute_no_params")
def _note(*given: Any) -> None:
    driver: DriverConnection | None = given[-1].execution_options.get(OPTION)
    if driver is not None:
        driver.has_effects = True
