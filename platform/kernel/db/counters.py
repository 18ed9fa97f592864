"""How many rows a list has, without reading them: kept by the database, with every write.

Each statement that adds or removes rows adds one row to a table of differences, in its own
transaction, so writers don't wait for each other; the total is their sum. Now and then a write adds
up the differences of its list, and the worker those of all. Whatever writes is counted: FastCRUD,
SQL, COPY, cascades, TRUNCATE.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    DDL,
    BigInteger,
    Column,
    ColumnElement,
    Identity,
    MetaData,
    ScalarSelect,
    Table,
    bindparam,
    event,
    func,
    select,
    text,
)
from sqlmodel import SQLModel

from kernel.db.result_columns import DIALECT
from kernel.db.unit_of_work import Resources

FOLD = 0.01  # of the writes add up their list's differences
MOST = 1000  # differences that are added up at once, by a write
BATCH = 10_000  # by a worker
quote = DIALECT.identifier_preparer.quote


class RowCounter:
    """Counts the rows of a table, by the columns in `scope`; soft-deleted ones aren't counted.

    A table asks for it: `__table_args__ = {"info": {"counted_by": ["created_by_user_id"]}}`, with
    no column for one number of all its rows. `hatch run revision` writes the table of differences,
    the triggers, and the first count of rows that are there; lists of that scope use it.
    """

    def __init__(self, table: Table, scope: Sequence[str]) -> None:
        self.scope, self._soft = tuple(scope), "is_deleted" in table.c
        self._table, self._name = table.name, f"{table.name}_count"
        if nullable := [name for name in scope if table.c[name].nullable]:
            raise ValueError(f"{table.name}: counted_by takes required columns, not {nullable}.")
        self._counts = Table(
            self._name,
            table.metadata,
            # In this order, so that one index serves the sum, too.
            *[Column(name, table.c[name].type, primary_key=True) for name in scope],
            Column("id", BigInteger, Identity(always=True), primary_key=True),
            Column("n", BigInteger, nullable=False),
        )
        for statement in (self._function(), *self._triggers()):
            made: Any = DDL(statement.replace("%", "%%"))  # type: ignore[no-untyped-call]
            event.listen(table, "after_create", made)
        # For a table that has rows when its counter is made: infra/revisions runs it.
        self.first_count = self._add(quote(table.name), "count(*)")

    def counts(self, reach: Sequence[ColumnElement[bool]], scope: Sequence[str]) -> bool:
        """Whether it counts the rows that a list of that reach and scope has."""
        literally: Any = {"literal_binds": True}
        given = {str(one.compile(compile_kwargs=literally)) for one in reach}
        live: set[str] = {f"{quote(self._table)}.is_deleted = false"} if self._soft else set()
        return given == live and set(scope) == set(self.scope)

    def total(self) -> ScalarSelect[int]:
        """The number of rows, for values of the scope's columns by bindparams of their names."""
        counts = self._counts.c
        where = [counts[name] == bindparam(name) for name in self.scope]
        number = func.coalesce(func.sum(counts.n), 0).cast(BigInteger)
        return select(number).where(*where).scalar_subquery()

    async def fold(self, resources: Resources) -> int:
        """Add up some of the differences of lists that have several; how many they were."""
        counts, columns = quote(self._name), ", ".join(self._columns())
        by = f"PARTITION BY {columns}" if columns else ""
        found = f"SELECT id, count(*) OVER ({by}) AS many FROM {counts}"
        ids = f"SELECT id FROM ({found}) AS found WHERE many > 1 LIMIT {BATCH}"
        few = f"SELECT id FROM {counts} WHERE id IN ({ids}) FOR UPDATE SKIP LOCKED"
        gone = f"DELETE FROM {counts} USING few WHERE {counts}.id = few.id RETURNING {counts}.*"
        sums = self._sum("gone", "sum(n)", "sum(n) <> 0")
        fold = f"WITH few AS ({few}), gone AS ({gone}), sums AS ({sums}) SELECT count(*) FROM gone"
        async with resources.unit() as unit:
            # As every write does: a TRUNCATE beside it would delete the differences, not the sums.
            await unit.execute(text(f"LOCK TABLE {quote(self._table)} IN ACCESS SHARE MODE"))
            return await unit.scalar(text(fold)) or 0

    def _function(self) -> str:
        """What keeps the differences, for each kind of write."""
        counts, into = quote(self._name), ", ".join([*self._columns(), "n"])
        added, removed = self._add("new_rows", "count(*)"), self._add("old_rows", "-count(*)")
        moved = f"{self._one('old', -1)} UNION ALL {self._one('new', 1)}"
        columns = [f"{counts}.{name} = changed.{name}" for name in self._columns()]
        same = " AND ".join(columns) or "true"
        few = f"SELECT id FROM {counts} WHERE {same} LIMIT {MOST} FOR UPDATE SKIP LOCKED"
        gone = f"DELETE FROM {counts} USING few WHERE {same} AND {counts}.id = few.id"
        gone = f"{gone} RETURNING {counts}.*"
        return f"""\
CREATE OR REPLACE FUNCTION {self._function_name}() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  folds boolean := random() < {FOLD};
  changed record;
BEGIN
  IF TG_OP = 'INSERT' THEN
    {added};
    IF folds THEN SELECT * INTO changed FROM new_rows LIMIT 1; folds := FOUND; END IF;
  ELSIF TG_OP = 'DELETE' THEN
    {removed};
    IF folds THEN SELECT * INTO changed FROM old_rows LIMIT 1; folds := FOUND; END IF;
  ELSIF TG_OP = 'UPDATE' THEN
    INSERT INTO {counts} ({into}) {moved};
    changed := new;
  ELSE
    DELETE FROM {counts};
    RETURN NULL;
  END IF;
  IF folds THEN
    WITH few AS ({few}), gone AS ({gone})
    {self._sum("gone", "sum(n)", "sum(n) <> 0")};
  END IF;
  RETURN NULL;
END $$"""

    def _triggers(self) -> list[str]:
        """Once for each statement; for each row where an update moves it, which is seldom."""
        watched = [*self._columns(), *(["is_deleted"] if self._soft else [])]
        moves = " OR ".join(f"old.{name} IS DISTINCT FROM new.{name}" for name in watched)
        on = f"ON {quote(self._table)}"
        statement = f"FOR EACH STATEMENT EXECUTE FUNCTION {self._function_name}()"
        row = f"FOR EACH ROW WHEN ({moves}) EXECUTE FUNCTION {self._function_name}()"
        triggers = {
            "insert": f"AFTER INSERT {on} REFERENCING NEW TABLE AS new_rows {statement}",
            "delete": f"AFTER DELETE {on} REFERENCING OLD TABLE AS old_rows {statement}",
            "truncate": f"AFTER TRUNCATE {on} {statement}",
            **({"update": f"AFTER UPDATE {on} {row}"} if moves else {}),
        }
        return [f"CREATE TRIGGER count_{name} {what}" for name, what in triggers.items()]

    @property
    def _function_name(self) -> str:
        return quote(f"count_{self._table}")

    def _columns(self) -> list[str]:
        return [quote(name) for name in self.scope]

    def _add(self, rows: str, number: str) -> str:
        """Differences of many rows, one for each value of the scope."""
        return self._sum(rows, number, "count(*) > 0", " WHERE NOT is_deleted" * self._soft)

    def _sum(self, rows: str, number: str, having: str, where: str = "") -> str:
        columns = ", ".join(self._columns())
        group = f" GROUP BY {columns}" if columns else ""
        into, chosen = (f"{columns}, n", f"{columns}, {number}") if columns else ("n", number)
        insert = f"INSERT INTO {quote(self._name)} ({into})"
        return f"{insert} SELECT {chosen} FROM {rows}{where}{group} HAVING {having}"

    def _one(self, row: str, number: int) -> str:
        """The difference that one row makes before an update, or after it."""
        chosen = ", ".join([*[f"{row}.{name}" for name in self._columns()], str(number)])
        return f"SELECT {chosen}" + f" WHERE NOT {row}.is_deleted" * self._soft


@event.listens_for(Table, "after_parent_attach")
def make_counter(table: Table, _: MetaData) -> None:
    """Make the counter that a table asks for, as table.info["counter"]."""
    scope = table.info.get("counted_by")
    if scope is not None:
        table.info["counter"] = RowCounter(table, scope)


async def fold_counts(resources: Resources) -> None:
    """Add up the differences of every list, also of one that isn't written any more: those of an
    owner who is gone make nothing, and are gone, too."""
    for table in list(SQLModel.metadata.tables.values()):
        counter: RowCounter | None = table.info.get("counter")
        while counter is not None and await counter.fold(resources) == BATCH:
            pass
