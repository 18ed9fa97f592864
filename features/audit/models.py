"""The table of audit entries, what fills it, and the shapes that answers have.

Triggers fill it, so that every write is seen: of FastCRUD, the session, compiled queries, by hand.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AwareDatetime, Field
from sqlalchemy import DDL, Connection, DateTime, Index, String, Table, event, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field as Column

from kernel.db import ListQuery, TableModel
from kernel.schemas import CleanText, ReadSchema, RowId

ACTOR, REQUEST, DAYS = "audit.actor_id", "audit.request_id", "audit.days"
KEPT_DAYS = 90  # whatever the application asks for
PURGE_BATCH = 5000
MAX_SUBJECT = 63  # of a name in PostgreSQL
MAX_SUBJECT_ID = 200
MAX_REQUEST_ID = 128
MAX_COLUMNS = 500  # characters of their names in a list

Act = Literal["insert", "update", "delete"]

# The owner's rights, so that the application's role needs none to write here, and can write nothing
# but what happens. Each value is kept only where the trigger's arguments name the column.
CHANGE = f"""\
CREATE OR REPLACE FUNCTION audit_change() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  actor integer := nullif(current_setting('{ACTOR}', true), '');
  was jsonb := coalesce(to_jsonb(old), '{{}}');
  now_is jsonb := coalesce(to_jsonb(new), '{{}}');
  changed jsonb;
BEGIN
  IF actor IS NOT NULL AND tg_name <> 'audit' THEN
    RETURN NULL;
  END IF;
  SELECT jsonb_object_agg(
    key, CASE WHEN key = ANY (tg_argv[1:])
      THEN jsonb_build_object('from', was->key, 'to', now_is->key) END
  ) INTO changed
  FROM jsonb_object_keys(was || now_is) AS key
  WHERE key NOT IN (tg_argv[0], 'created_at', 'updated_at')
    AND coalesce(was->key, 'null') <> coalesce(now_is->key, 'null');
  IF changed IS NOT NULL THEN
    INSERT INTO audit_entry (actor_id, request_id, act, subject, subject_id, changes)
    VALUES (
      actor, left(nullif(current_setting('{REQUEST}', true), ''), {MAX_REQUEST_ID}),
      lower(tg_op), tg_table_name, left((was || now_is)->>tg_argv[0], {MAX_SUBJECT_ID}), changed
    );
  END IF;
  RETURN NULL;
END $$"""  # noqa: S608 - of constants

# The owner's, too. A batch at a time; of what is younger it deletes none for any caller.
PURGE = f"""\
CREATE OR REPLACE FUNCTION purge_audit_entries() RETURNS integer LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  days integer := greatest(
    CAST(nullif(current_setting('{DAYS}', true), '') AS integer), {KEPT_DAYS}
  );
  gone integer;
BEGIN
  WITH old AS (
    SELECT id FROM audit_entry WHERE created_at < now() - make_interval(days => days)
    ORDER BY created_at LIMIT {PURGE_BATCH} FOR UPDATE SKIP LOCKED
  ), deleted AS (DELETE FROM audit_entry USING old WHERE audit_entry.id = old.id RETURNING 1)
  SELECT count(*) INTO gone FROM deleted;
  RETURN gone;
END $$"""  # noqa: S608 - of constants

# Without an actor the condition is all that a write pays. Rows that go with another one by its
# foreign key (at a depth of one) aren't noted: the other one is.
TRIGGER = """\
CREATE TRIGGER audit AFTER INSERT OR DELETE OR UPDATE ON {table} FOR EACH ROW \
WHEN (current_setting('{actor}', true) <> '' AND pg_trigger_depth() = 0) \
EXECUTE FUNCTION audit_change({arguments})"""
# By any way: commands, SQL by hand, the application's role in a thief's hands.
ALWAYS = """\
CREATE TRIGGER audit_{column}_{event} AFTER {event} ON {table} FOR EACH ROW WHEN ({changes}) \
EXECUTE FUNCTION audit_change({arguments})"""


@event.listens_for(Table, "after_create")
def make_triggers(table: Table, connection: Connection, **_: Any) -> None:
    """Note what superusers write in a table that asks for it.

    `__table_args__ = {"info": {"audited": ["tier_id"]}}` names the columns whose values are kept;
    of others only the name is. `audited_as` names the column by which clients know a row, where
    that isn't the primary key. `audited_always` are columns of true and false whose becoming
    another leaves an entry also without a superuser.
    """
    if table.name == AuditEntry.__tablename__:
        connection.execute(_ddl(PURGE))
    if "audited" in table.info:
        for statement in (CHANGE, *triggers_of(table, connection)):
            connection.execute(_ddl(statement))


def triggers_of(table: Table, connection: Connection) -> Iterator[str]:
    """What notes the changes of that table."""
    key = table.info.get("audited_as") or next(iter(table.primary_key)).name
    arguments = ", ".join(f"'{name}'" for name in [key, *table.info["audited"]])
    quoted = connection.dialect.identifier_preparer.quote(table.name)
    yield TRIGGER.format(table=quoted, actor=ACTOR, arguments=arguments)
    for name in table.info.get("audited_always", ()):
        changes = {"insert": f"new.{name}", "update": f"old.{name} IS DISTINCT FROM new.{name}"}
        for event_, changed in changes.items():
            given = {"column": name, "event": event_, "changes": changed}
            yield ALWAYS.format(table=quoted, arguments=arguments, **given)


def _ddl(statement: str) -> DDL:
    return DDL(statement.replace("%", "%%"))  # type: ignore[no-untyped-call]


class AuditEntry(TableModel, table=True):
    """What was done to one row of a table.

    `actor_id` is no foreign key: the entry outlives the account, and says no more of it than that.
    """

    __table_args__: ClassVar[Any] = (
        Index("ix_audit_entry_created_at", "created_at", "id"),
        Index("ix_audit_entry_actor_id", "actor_id", "id"),
        Index("ix_audit_entry_subject", "subject", "subject_id", "id"),
        {"info": {"rights": "SELECT"}},
    )

    id: int | None = Column(default=None, primary_key=True)
    created_at: datetime = Column(
        sa_type=DateTime(timezone=True), sa_column_kwargs={"server_default": func.now()}
    )
    actor_id: int | None = None
    request_id: str | None = Column(default=None, max_length=MAX_REQUEST_ID)
    act: str = Column(sa_type=String(10))
    subject: str = Column(max_length=MAX_SUBJECT)
    subject_id: str = Column(max_length=MAX_SUBJECT_ID)
    changes: dict[str, Any] = Column(sa_type=JSONB)


class AuditEntryBase(ReadSchema):
    """Who did what to which row, and when."""

    id: int
    created_at: datetime
    actor_id: Annotated[
        int | None, Field(description="The superuser's id. Null: no superuser's request did it.")
    ]
    request_id: Annotated[str | None, Field(description="As in the answer's X-Request-ID.")]
    act: Act
    subject: Annotated[str, Field(description="The table.")]
    subject_id: Annotated[str, Field(description="The row's id in it.")]


class AuditEntryListed(AuditEntryBase):
    """An entry in a list, with the names of the columns that changed, cut to 500 characters."""

    columns: Annotated[str, Field(description="Names, separated by spaces.", max_length=500)]


class AuditEntryRead(AuditEntryBase):
    """An entry."""

    changes: Annotated[
        dict[str, dict[str, Any] | None],
        Field(
            description="By column: `from` and `to`, or null, where the values aren't kept.",
            examples=[{"is_superuser": {"from": False, "to": True}, "email": None}],
        ),
    ]


class AuditEntryQuery(ListQuery):
    """What entries are filtered by."""

    sort: Literal["id", "-id", "created_at", "-created_at"] = "id"
    actor_id: RowId | None = None
    subject: Annotated[CleanText | None, Field(max_length=MAX_SUBJECT)] = None
    subject_id: Annotated[CleanText | None, Field(max_length=MAX_SUBJECT_ID)] = None
    act: Act | None = None
    created_at_from: AwareDatetime | None = None
    created_at_to: AwareDatetime | None = None
