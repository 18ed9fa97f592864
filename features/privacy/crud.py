"""Queries on exports and their archives, and on accounts that are due to be erased."""

from datetime import timedelta
from typing import BinaryIO

from fastcrud import FastCRUD
from sqlalchemy import bindparam, delete, func, or_, select, true, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from features.privacy.models import Export, ExportChunk, ExportState
from features.users.models import User
from kernel.db import CompiledQuery, UnitOfWork

CHUNK = 1024 * 1024  # bytes of an archive in one row
# A build that has not ended by then has died: the next call asks anew.
GIVEN_UP = timedelta(hours=1)

crud_exports = FastCRUD(Export)

# By hand: bytes come as they are, for a stream that is read at the speed of its client.
chunk = CompiledQuery(
    select(col(ExportChunk.content)).where(
        col(ExportChunk.export_id) == bindparam("export_id"),
        col(ExportChunk.number) == bindparam("number"),
    ),
    bytes,
)

# The database's clock, as everything that expires.
_is_over = or_(
    col(Export.expires_at) <= func.now(),
    col(Export.expires_at).is_(None) & (col(Export.asked_at) <= func.now() - GIVEN_UP),
)


async def export_of(db: UnitOfWork, user_id: int) -> ExportState | None:
    """The account's export: what is built, kept or refused."""
    return await crud_exports.get(
        db, schema_to_select=ExportState, return_as_model=True, one_or_none=True, user_id=user_id
    )


async def remove_what_is_over(db: UnitOfWork, user_id: int | None = None) -> int:
    """Remove what has expired, of that user or of all. Returns how many archives went."""
    whose = true() if user_id is None else col(Export.user_id) == user_id
    gone = await db.exec(delete(Export).where(whose, _is_over).returning(col(Export.id)))
    return len(gone.all())


async def begin(db: UnitOfWork, user_id: int) -> bool:
    """Note that an export is wanted; False when the account has one already."""
    # By hand for its race: of two calls at once, the second waits for the first and finds its row.
    statement = insert(Export).values(user_id=user_id).on_conflict_do_nothing()
    made = await db.exec(statement.returning(col(Export.id)))
    return made.scalar() is not None


async def note_job(db: UnitOfWork, user_id: int, job_id: str) -> None:
    """Remember which job builds the export."""
    await db.exec(update(Export).where(col(Export.user_id) == user_id).values(job_id=job_id))


async def keep(
    db: UnitOfWork, export_id: int, archive: BinaryIO | None, lifetime: timedelta
) -> int:
    """Keep the archive until it expires; without one, that it was too large. Returns its bytes."""
    size = 0
    await db.exec(delete(ExportChunk).where(col(ExportChunk.export_id) == export_id))
    if archive is not None:
        archive.seek(0)
        for number, content in enumerate(iter(lambda: archive.read(CHUNK), b"")):
            values = {"export_id": export_id, "number": number, "content": content}
            await db.exec(insert(ExportChunk).values(values))
            size += len(content)
    await db.exec(
        update(Export)
        .where(col(Export.id) == export_id)
        .values(size=size, is_too_large=archive is None, expires_at=func.now() + lifetime)
    )
    return size


async def erasable_users(db: UnitOfWork, age: timedelta, limit: int) -> list[int]:
    """The ids of accounts that were deleted so long ago, the longest ago first."""
    found = await db.execute(
        select(col(User.id))
        .where(col(User.is_deleted), col(User.deleted_at) <= func.now() - age)
        .order_by(col(User.deleted_at))
        .limit(limit)
    )
    return [user_id for user_id in found.scalars() if user_id is not None]
