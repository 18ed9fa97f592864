"""The archive: a ZIP of JSON files, one for each part that a feature offers, written row by row."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO, TypeAlias, cast
from zipfile import ZIP_DEFLATED, ZipFile

from pydantic_core import to_json
from sqlalchemy import Select

from kernel.db import UnitOfWork

# What features/<name>/personal_data.py offers as `exports`, by name: a select with the parameter
# `user_id`, or an async generator of rows.
Rows: TypeAlias = Select[Any] | Callable[[UnitOfWork, int], AsyncIterator[Mapping[str, Any]]]
Report = Callable[[int], Awaitable[None]]

BATCH = 50  # rows in memory at once
IN_MEMORY = 4 * 1024 * 1024  # bytes; a larger archive is written to a temporary file


class TooLarge(Exception):
    """The archive would have more bytes than one may have."""


async def build(
    db: UnitOfWork, user_id: int, parts: Mapping[str, Rows], most: int, report: Report
) -> BinaryIO:
    """Write the archive into a temporary file. `report` is told how many parts are done.

    Raises TooLarge.
    """
    file = cast(BinaryIO, SpooledTemporaryFile(max_size=IN_MEMORY))  # noqa: SIM115 - returned
    try:
        with ZipFile(file, "w", ZIP_DEFLATED) as archive:
            for done, (name, rows) in enumerate(parts.items()):
                await report(done)
                # Of unknown length, so it may be one that needs 64 bits.
                with archive.open(f"{name}.json", "w", force_zip64=True) as part:
                    opening = b"[\n"
                    async for batch in _batches(db, user_id, rows):
                        # In a thread: compressing would hold up every other job.
                        await asyncio.to_thread(_write, cast(BinaryIO, part), opening, batch)
                        opening = b",\n"
                        if file.tell() > most:
                            raise TooLarge
                    part.write(b"[]\n" if opening == b"[\n" else b"\n]\n")
        if file.tell() > most:
            raise TooLarge
    except BaseException:
        file.close()
        raise
    return file


def _write(part: BinaryIO, opening: bytes, batch: Sequence[Mapping[str, Any]]) -> None:
    for row in batch:
        part.write(opening + to_json(dict(row), bytes_mode="base64", inf_nan_mode="strings"))
        opening = b",\n"


async def _batches(
    db: UnitOfWork, user_id: int, rows: Rows
) -> AsyncIterator[Sequence[Mapping[str, Any]]]:
    if isinstance(rows, Select):
        # On the connection: columns as they stand, and no objects that the session would keep.
        connection = await db.connection()
        statement = cast(Select[*tuple[Any, ...]], rows).execution_options(yield_per=BATCH)
        async with connection.stream(statement, {"user_id": user_id}) as result:
            async for partition in result.mappings().partitions(BATCH):
                yield [{**row} for row in partition]
        return
    batch: list[Mapping[str, Any]] = []
    async for row in rows(db, user_id):
        batch.append(row)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
