"""Routes of a person's own data: their archive, and their erasure."""

from collections.abc import AsyncIterator
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse
from sqlalchemy.exc import NoResultFound

from features.auth.cookies import clear_refresh_cookies
from features.auth.permissions import CurrentUser
from features.auth.security_log import record_after_commit
from features.auth.step_up import require_recent_password
from features.privacy import crud
from features.privacy.models import ExportRead, ExportState
from features.privacy.permissions import count_export
from features.users.crud import hard_delete_user
from features.users.permissions import removable_user
from kernel import jobs
from kernel.db import JSONBytesResponse, Resources, UnitOfWork
from kernel.errors import ConflictException, NotFoundException
from kernel.schemas import Message
from kernel.web import SessionDep

TOO_LARGE = "Your data are more than an archive may hold; ask the operator for them."
NO_EXPORT = "Export not found"
RETRY = "5"  # seconds

router = APIRouter(tags=["privacy"])

ARCHIVE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The archive: a ZIP of JSON files.",
        "content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}},
    },
    202: {"description": "It is being made; ask again.", "model": ExportRead},
}


@router.get("/user/me/export", response_class=StreamingResponse, responses=ARCHIVE)
async def read_export(caller: CurrentUser, request: Request, db: SessionDep) -> Response:
    """Get all that belongs to your account, as a ZIP of JSON files.

    The first call asks for it and is answered 202, as others are until it has been made; then it is
    here until it expires. Needs a password entered lately: by a login or by POST /step-up.
    """
    await require_recent_password(db, caller)
    await crud.remove_what_is_over(db, caller.user_id)
    export = await crud.export_of(db, caller.user_id)
    if export is None:
        export = await _ask_for(request, db, caller.user_id)
    if export.is_too_large:
        raise ConflictException(TOO_LARGE)
    if export.expires_at is None:
        return await _being_made(db, export)
    record_after_commit(db, "export handed out", request, user=caller.user_id)
    day = f"{export.asked_at:%Y-%m-%d}"
    return StreamingResponse(
        _content(db.resources, export.id),
        media_type="application/zip",
        headers={
            "Content-Disposition": f'attachment; filename="export-{day}.zip"',
            "Content-Length": str(export.size),
        },
    )


@router.delete("/user/me/export")
async def erase_export(caller: CurrentUser, request: Request, db: SessionDep) -> Message:
    """Remove your archive before it expires; the next call of GET has another one made."""
    try:
        await crud.crud_exports.db_delete(db, user_id=caller.user_id)
    except NoResultFound:
        raise NotFoundException(NO_EXPORT) from None
    return Message(message="Export deleted")


@router.post("/user/me/erasure")
async def erase_user_me(
    caller: CurrentUser, request: Request, response: Response, db: SessionDep
) -> Message:
    """Erase your account for good, with all that belongs to it. There is no way back.

    Needs a password entered lately: by a login or by POST /step-up.
    """
    await require_recent_password(db, caller)
    user = await removable_user(db, caller.user_id)
    await hard_delete_user(db, user)
    record_after_commit(db, "user removed for good", request, user=user.user_id)
    clear_refresh_cookies(request, response)
    return Message(message="Account erased")


async def _ask_for(request: Request, db: UnitOfWork, user_id: int) -> ExportState:
    """Have an archive made, unless another call has just asked for it.

    Raises RateLimitException (429).
    """
    if await crud.begin(db, user_id):
        await count_export(request, user_id)
        queued_by = await jobs.caller(request)
        job_id = await jobs.add(db, "privacy.build", _queued_by=queued_by, user_id=user_id)
        await crud.note_job(db, user_id, job_id)
        record_after_commit(db, "export asked for", request, user=user_id)
    export = await crud.export_of(db, user_id)
    assert export is not None
    return export


async def _being_made(db: UnitOfWork, export: ExportState) -> Response:
    begun = export.job_id and await jobs.progress_of(db.resources, export.job_id)
    state = ExportRead(
        status="in_progress" if begun else "waiting",
        job_id=export.job_id,
        asked_at=export.asked_at,
    )
    return JSONBytesResponse(
        state.model_dump_json().encode(), status_code=202, headers={"Retry-After": RETRY}
    )


async def _content(resources: Resources, export_id: int) -> AsyncIterator[bytes]:
    """The archive, a row at a time, so that no connection is held while a slow client reads."""
    number = 0
    while True:
        async with resources.unit() as db:
            content = await crud.chunk.scalar(db, export_id=export_id, number=number)
        if content is None:
            return
        yield content
        number += 1
