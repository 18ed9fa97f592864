"""Queries on audit entries; all of them read, since only triggers write."""

from typing import Any

from fastcrud import FastCRUD
from sqlalchemy import (
    BindParameter,
    DateTime,
    Integer,
    String,
    bindparam,
    func,
    or_,
    select,
    true,
    tuple_,
)
from sqlmodel import col

from features.audit.models import (
    DAYS,
    MAX_COLUMNS,
    AuditEntry,
    AuditEntryListed,
    AuditEntryQuery,
    AuditEntryRead,
)
from kernel.db import CompiledQuery, Listing

crud_entries = FastCRUD(AuditEntry)

_key = func.jsonb_object_keys(col(AuditEntry.changes)).column_valued("key")
_columns = select(func.left(func.string_agg(_key, " "), MAX_COLUMNS, type_=String(MAX_COLUMNS)))
listing = Listing(
    crud_entries,
    AuditEntryListed,
    AuditEntryQuery,
    expressions={"columns": _columns.correlate(AuditEntry).scalar_subquery()},
)


def _given(name: str, type_: Any) -> BindParameter[Any]:
    return bindparam(name, type_=type_)


def _if_given(name: str, type_: Any) -> Any:
    return or_(_given(name, type_).is_(None), getattr(AuditEntry, name) == _given(name, type_))


# By hand for its key of two columns: a range of moments is read along its index, however old it is.
_moment = DateTime(timezone=True)
batch = CompiledQuery(
    select(*[getattr(AuditEntry, name) for name in AuditEntryRead.model_fields])
    .where(
        tuple_(col(AuditEntry.created_at), col(AuditEntry.id))
        > tuple_(_given("after_at", _moment), _given("after_id", Integer)),
        col(AuditEntry.created_at) <= _given("until", _moment),
        _if_given("actor_id", Integer),
        _if_given("subject", String),
    )
    .order_by(col(AuditEntry.created_at), col(AuditEntry.id))
    .limit(_given("limit_", Integer)),
    AuditEntryRead,
)

# The function deletes as the tables' owner, and has a bound of its own on what it deletes.
set_days = CompiledQuery(select(func.set_config(DAYS, _given("days", String), true())), writes=True)
purge = CompiledQuery(select(func.purge_audit_entries(type_=Integer)), int, writes=True)
