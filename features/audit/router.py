"""Routes of the audit log, for superusers; none of them writes."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse

from features.audit.crud import crud_entries, listing
from features.audit.export import MEDIA_TYPES, AuditExportQuery, lines
from features.audit.models import (
    AuditEntryListed,
    AuditEntryQuery,
    AuditEntryRead,
)
from features.auth.permissions import SuperUser
from features.auth.security_log import record
from kernel.db import JSONBytesResponse, pages_of
from kernel.errors import NotFoundException
from kernel.schemas import PathId
from kernel.web import SessionDep

ENTRY_NOT_FOUND = "Audit entry not found"

router = APIRouter(tags=["audit"])


@router.get("/audit/entries", response_model=pages_of(AuditEntryListed))
async def read_audit_entries(
    query: Annotated[AuditEntryQuery, Query()], caller: SuperUser, db: SessionDep
) -> JSONBytesResponse:
    """List what superusers have written, row by row, with the names of the columns that changed."""
    return await listing.answer(db, query)


@router.get(
    "/audit/export",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "The entries from the first moment to the last one.",
            "content": {
                kind.partition(";")[0]: {"schema": {"type": "string"}}
                for kind in MEDIA_TYPES.values()
            },
        }
    },
)
async def export_audit_entries(
    query: Annotated[AuditExportQuery, Query()],
    caller: SuperUser,
    request: Request,
    db: SessionDep,
) -> StreamingResponse:
    """Export the entries of a stretch of time, by moment: a JSON document per line, or CSV."""
    record("audit log exported", request)
    first, last = (
        f"{moment:%Y%m%dT%H%M%S%z}" for moment in (query.created_at_from, query.created_at_to)
    )
    name = f"audit_{first}_{last}.{query.format}"
    return StreamingResponse(
        await lines(db.resources, query),
        media_type=MEDIA_TYPES[query.format],
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@router.get("/audit/entry/{id}", response_model=AuditEntryRead)
async def read_audit_entry(id: PathId, caller: SuperUser, db: SessionDep) -> AuditEntryRead:
    """Show an entry, with what changed from what to what."""
    entry = await crud_entries.get(db, schema_to_select=AuditEntryRead, return_as_model=True, id=id)
    if entry is None:
        raise NotFoundException(ENTRY_NOT_FOUND)
    return entry
