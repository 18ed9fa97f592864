"""An export of entries: read in batches while it is sent, so that its size takes no memory."""

import csv
import io
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field
from pydantic_core import to_json

from features.audit.crud import batch
from features.audit.models import MAX_SUBJECT, AuditEntryRead
from kernel.db import Resources
from kernel.schemas import CleanText, InputSchema, RowId

BATCH = 500
COLUMNS = list(AuditEntryRead.model_fields)
MEDIA_TYPES = {"ndjson": "application/x-ndjson", "csv": "text/csv; charset=utf-8"}
# What a spreadsheet would take for a formula; a client may choose its request's id.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def _moment(description: str, example: str) -> Any:
    return Field(description=description, examples=[example])


class AuditExportQuery(InputSchema):
    """Which entries are exported, and how they are written."""

    created_at_from: Annotated[AwareDatetime, _moment("The first moment.", "2026-11-01T00:00:00Z")]
    created_at_to: Annotated[AwareDatetime, _moment("The last moment.", "2026-12-01T00:00:00Z")]
    actor_id: RowId | None = None
    subject: Annotated[CleanText | None, Field(max_length=MAX_SUBJECT)] = None
    format: Literal["ndjson", "csv"] = "ndjson"


async def lines(resources: Resources, query: AuditExportQuery) -> AsyncIterator[bytes]:
    """The entries, by moment.

    Raises what the first batch does: a stream that has begun can't say so any more.
    """
    return _lines(resources, query, await _batch(resources, query, query.created_at_from, 0))


async def _lines(
    resources: Resources, query: AuditExportQuery, entries: Sequence[AuditEntryRead]
) -> AsyncIterator[bytes]:
    write = WRITERS[query.format]
    if query.format == "csv":
        yield _row(COLUMNS)
    while entries:
        yield b"".join(map(write, entries))
        last, is_last = entries[-1], len(entries) < BATCH
        entries = [] if is_last else await _batch(resources, query, last.created_at, last.id)


async def _batch(
    resources: Resources, query: AuditExportQuery, after_at: datetime, after_id: int
) -> Sequence[AuditEntryRead]:
    """The next ones. Their connection goes back before they are sent."""
    async with resources.unit() as db:
        return await batch.all(
            db,
            after_at=after_at,
            after_id=after_id,
            until=query.created_at_to,
            actor_id=query.actor_id,
            subject=query.subject,
            limit_=BATCH,
        )


def _json_line(entry: AuditEntryRead) -> bytes:
    return entry.model_dump_json().encode() + b"\n"


def _csv_line(entry: AuditEntryRead) -> bytes:
    values = entry.model_dump(mode="json", exclude={"changes"})
    return _row([*map(_plain, values.values()), to_json(entry.changes).decode()])


def _plain(value: object) -> object:
    formula = isinstance(value, str) and value.startswith(FORMULA)
    return f"'{value}" if formula else value


def _row(values: list[object] | list[str]) -> bytes:
    line = io.StringIO()
    csv.writer(line).writerow(values)
    return line.getvalue().encode()


WRITERS: dict[str, Callable[[AuditEntryRead], bytes]] = {"ndjson": _json_line, "csv": _csv_line}
