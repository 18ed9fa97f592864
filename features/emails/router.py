"""Routes of the addresses that get no mail, and what the pages behind links are made of."""

from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query, Response
from sqlalchemy.exc import NoResultFound

from features.auth.permissions import SuperUser
from features.emails.crud import crud_suppressions, listing
from features.emails.models import (
    SuppressionCreate,
    SuppressionQuery,
    SuppressionRead,
)
from kernel.db import JSONBytesResponse, pages_of
from kernel.errors import NotFoundException
from kernel.schemas import Message, PathId
from kernel.web import Access, SessionDep, access

STATIC = Path(__file__).with_name("static")
KEPT = {"Cache-Control": "public, max-age=3600"}
NOT_SUPPRESSED = "Address not found"

router = APIRouter(tags=["emails"])


@router.get("/emails/suppressions", response_model=pages_of(SuppressionRead))
async def read_suppressions(
    query: Annotated[SuppressionQuery, Query()], caller: SuperUser, db: SessionDep
) -> JSONBytesResponse:
    """List the addresses that get no mail."""
    return await listing.answer(db, query)


@router.post("/emails/suppression", status_code=201, response_model=SuppressionRead)
async def write_suppression(
    values: SuppressionCreate, caller: SuperUser, db: SessionDep
) -> SuppressionRead:
    """Send an address no more mail."""
    return await crud_suppressions.create(
        db, values, schema_to_select=SuppressionRead, return_as_model=True
    )


@router.delete("/emails/suppression/{id}", response_model=Message)
async def erase_suppression(id: PathId, caller: SuperUser, db: SessionDep) -> Message:
    """Let an address get mail again."""
    try:
        await crud_suppressions.delete(db, id=id)
    except NoResultFound:
        raise NotFoundException(NOT_SUPPRESSED) from None
    return Message(message="Address removed from the list")


@router.get("/links/page.css", include_in_schema=False)
@access(Access.PUBLIC)
async def read_page_style() -> Response:
    """Style the pages that links lead to."""
    return Response((STATIC / "page.css").read_bytes(), headers=KEPT, media_type="text/css")


@router.get("/links/page.js", include_in_schema=False)
@access(Access.PUBLIC)
async def read_page_script() -> Response:
    """Take the code from the address of a page into its form."""
    return Response((STATIC / "page.js").read_bytes(), headers=KEPT, media_type="text/javascript")
