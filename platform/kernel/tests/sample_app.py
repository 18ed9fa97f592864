"""A small feature with cached routes, on a table of its own, for the tests of `@cache`."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from sqlalchemy import text
from starlette.requests import HTTPConnection

from kernel.app import Application, create_application
from kernel.cache.client_side import public
from kernel.cache.decorator import cache
from kernel.cache.invalidation import forget_argument
from kernel.config.loader import Settings
from kernel.context import Principal, principal_of
from kernel.db.compiled_query import CompiledQuery
from kernel.errors import ConflictException, NotFoundException
from kernel.rate_limit.dependency import rate_limiter
from kernel.schemas.schemas import ReadSchema
from kernel.web.access import Access, access
from kernel.web.router import SessionDep

TABLES = (
    "DROP TABLE IF EXISTS library_book, library_owner",
    "CREATE TABLE library_owner (id int PRIMARY KEY, name text UNIQUE)",
    "CREATE TABLE library_book (id int PRIMARY KEY, owner_id int, title text)",
)

router = APIRouter(tags=["library"])
owner_by_name = CompiledQuery(text("SELECT id FROM library_owner WHERE name = :name"))

# What the endpoints do between reading and answering; a test sets it to hold them there.
gates: dict[str, asyncio.Event] = {}
loads: list[str] = []


class Book(ReadSchema):
    """What is shown of a book."""

    id: int
    title: str


class Books(ReadSchema):
    """A page of them."""

    data: list[Book]


@access(Access.OPTIONAL)
async def caller(connection: HTTPConnection) -> Principal | None:
    return await principal_of(connection)


async def owner_id(owner: str, db: SessionDep) -> int:
    """The owner's id, as a dependency that reads."""
    found = await owner_by_name.scalar(db, name=owner)
    if found is None:
        raise NotFoundException("No such owner.")
    await pause("owner")
    return int(found)


OwnerId = Annotated[int, Depends(owner_id)]


async def pause(where: str) -> None:
    if where in gates:
        await gates[where].wait()


async def books_of(db: SessionDep, owner: int) -> dict[str, Any]:
    rows = await db.execute(
        text(
            "SELECT id, title, 'secret' AS note FROM library_book WHERE owner_id = :id ORDER BY id"
        ),
        {"id": owner},
    )
    books = [dict(row) for row in rows.mappings()]
    loads.append(f"books of {owner}")
    await pause("books")
    return {"data": books}


@router.get("/library/{owner}/books", response_model=Books)
@public
@cache("{owner}_books:page_{page}", resource_id_name="owner")
async def read_books(
    request: Request,
    owner: str,
    db: SessionDep,
    page: Annotated[int, Query(ge=1)] = 1,
    order: Annotated[Literal["id", "title"], Query()] = "id",
) -> dict[str, Any]:
    """List an owner's books."""
    return await books_of(db, await owner_id(owner, db))


@router.get("/library/{owner}/guarded", response_model=Books)
@public
@cache("{owner}_books:guarded", resource_id_name="owner")
async def read_guarded(
    request: Request, owner: str, found: OwnerId, db: SessionDep
) -> dict[str, Any]:
    """List an owner's books, found by a dependency."""
    return await books_of(db, found)


@router.get("/library/{owner}/limited", response_model=Books, dependencies=[Depends(rate_limiter)])
@public
@cache("{owner}_books:limited", resource_id_name="owner")
async def read_limited(request: Request, owner: str, db: SessionDep) -> dict[str, Any]:
    """List an owner's books, as often as one may."""
    return await books_of(db, await owner_id(owner, db))


@router.get("/library/{owner}/book/{id}", response_model=Book)
@public
@cache("book")
async def read_book(request: Request, owner: str, id: int, db: SessionDep) -> Any:
    """Show one book."""
    query = text("SELECT id, title FROM library_book WHERE id = :id AND owner_id = :owner")
    values = {"id": id, "owner": await owner_id(owner, db)}
    row = (await db.execute(query, values)).mappings().first()
    loads.append(f"book {id}")
    if row is None:
        raise NotFoundException("No such book.")
    return dict(row)


@router.get("/library/mine/notes", response_model=dict)
@cache("notes_{principal}", resource_id_name="library")
async def read_notes(
    request: Request,
    who: Annotated[Principal | None, Depends(caller)],
    library: Annotated[int, Query()] = 0,
) -> dict[str, Any]:
    """Show what depends on who asks."""
    loads.append("notes")
    return {"who": who.username if who else None}


@router.get("/library/floor/{floor}/room/{id}", response_model=str)
@cache("room")
async def read_room(request: Request, floor: int, id: int) -> str:
    """Show a room, whose name leaves out the floor."""
    return f"room {id} on floor {floor}"


@router.get("/library/wide/{size}", response_model=str)
@public
@cache("wide", resource_id_name="size")
async def read_wide(request: Request, size: int) -> str:
    """Show as much as asked for."""
    loads.append("wide")
    return "x" * size


@router.post("/library/{owner}/book/{id}", status_code=201, response_model=dict)
@cache(
    "book",
    resource_id_name="id",
    pattern_to_invalidate_extra=["{owner}_books:*"],
)
async def write_book(
    request: Request, owner: str, id: int, title: str, db: SessionDep, refuse: bool = False
) -> dict[str, Any]:
    """Put a book on the library, or change its title."""
    await db.execute(
        text(
            "INSERT INTO library_book VALUES (:id, :owner, :title)"
            " ON CONFLICT (id) DO UPDATE SET title = :title"
        ),
        {"id": id, "owner": await owner_id(owner, db), "title": title},
    )
    await pause("write")
    if refuse:
        raise ConflictException("Refused.")
    return {"ok": True}


@router.patch("/library/{owner}", response_model=dict)
async def patch_owner(owner: str, name: str, db: SessionDep) -> dict[str, Any]:
    """Rename an owner."""
    query = text("UPDATE library_owner SET name = :name WHERE name = :owner")
    await db.execute(query, {"name": name, "owner": owner})
    forget_argument(db, owner=owner)
    return {"ok": True}


async def identify(connection: HTTPConnection) -> Principal | None:
    """Who asks, in these tests: the number in the bearer token."""
    number = connection.headers.get("authorization", "").removeprefix("Bearer ")
    if not number.isdigit():
        return None
    return Principal(int(number), 1, f"user{number}", False, None)


@asynccontextmanager
async def library_app(values: Mapping[str, str]) -> AsyncIterator[Application]:
    """The application of these routes alone, its tables empty but for two owners."""
    app = create_application(Settings(values), routers=[router])
    loads.clear()
    gates.clear()
    app.state.resources.providers["identify"] = identify
    async with app.router.lifespan_context(app):
        async with app.state.resources.unit() as db:
            for statement in TABLES:
                await db.execute(text(statement))
            await db.execute(text("INSERT INTO library_owner VALUES (1, 'ada'), (2, 'bob')"))
        yield app
        async with app.state.resources.unit() as db:
            await db.execute(text(TABLES[0]))
