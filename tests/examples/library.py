"""Writers, books, genres: docs/relationships-in-lists.md and docs/full-text-search.md."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from fastcrud import FastCRUD
from pydantic import Field as Empty
from sqlalchemy import ARRAY, Column, Computed, Index, MetaData, Uuid, bindparam, desc, func, select
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlmodel import Field, SQLModel, col

from kernel.db import (
    CompiledQuery,
    CursorPage,
    Listing,
    ListQuery,
    Page,
    UUIDKey,
    pages_of,
)
from kernel.schemas import CleanText, ReadSchema
from kernel.web import Access, SessionDep, access


class Apart(SQLModel):
    """Tables that migrations must not see."""

    metadata = MetaData()


class Writer(UUIDKey, Apart, table=True):
    name: str = Field(max_length=50)


class BookGenre(Apart, table=True):
    book_id: UUID = Field(foreign_key="book.id", ondelete="CASCADE", primary_key=True)
    genre_id: int = Field(foreign_key="genre.id", ondelete="RESTRICT", primary_key=True, index=True)


class Genre(Apart, table=True):
    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(max_length=30)


class Book(UUIDKey, Apart, table=True):
    __table_args__ = (Index("ix_book_search", "search", postgresql_using="gin"),)

    writer_id: UUID = Field(foreign_key="writer.id", ondelete="CASCADE", index=True)
    title: str = Field(max_length=100)
    text: str
    search: str = Field(
        sa_column=Column(
            TSVECTOR,
            Computed(
                "setweight(to_tsvector('english', title), 'A') || to_tsvector('english', text)",
                persisted=True,
            ),
            info={"config": "english"},
        )
    )


class BookInList(ReadSchema):
    id: UUID
    title: str


class WriterRead(ReadSchema):
    id: UUID
    name: str
    books: list[BookInList] = Empty([])


class BookRead(BookInList):
    genres: list[str] = Empty([])


class WriterQuery(ListQuery):
    sort: Literal["id", "-id", "name", "-name"] = "id"


class BookQuery(ListQuery):
    sort: Literal["id", "-id", "title", "-title"] = "id"
    search: Annotated[CleanText | None, Query(max_length=200)] = None


class FoundBook(BookInList):
    rank: float
    excerpt: str


crud_writers: FastCRUD[Any, Any, Any, Any, Any, Any] = FastCRUD(Writer)
crud_books: FastCRUD[Any, Any, Any, Any, Any, Any] = FastCRUD(Book)
writers = Listing(crud_writers, WriterRead, WriterQuery)
books = Listing(crud_books, BookRead, BookQuery)

IDS = bindparam("ids", type_=ARRAY(Uuid()))
books_of_writers = CompiledQuery(
    select(col(Book.writer_id), col(Book.id), col(Book.title))
    .where(col(Book.writer_id) == func.any(IDS))
    .order_by(col(Book.id))
)
genres_of_books = CompiledQuery(
    select(col(BookGenre.book_id), col(Genre.name))
    .join(Genre, col(Genre.id) == col(BookGenre.genre_id))
    .where(col(BookGenre.book_id) == func.any(IDS))
    .order_by(col(Genre.name))
)

WORDS = func.websearch_to_tsquery("english", bindparam("words"))
RANK = func.ts_rank_cd(col(Book.search), WORDS).label("rank")
HEADLINE = func.ts_headline("english", col(Book.text), WORDS, "MaxFragments=2").label("excerpt")
found_books = CompiledQuery(
    select(col(Book.id), col(Book.title), RANK, HEADLINE)
    .where(col(Book.search).op("@@")(WORDS))
    .order_by(desc("rank"), col(Book.id))
    .limit(bindparam("most")),
    FoundBook,
)

router = APIRouter(prefix="/library", tags=["library"])


@router.get("/writers", response_model=pages_of(WriterRead))
@access(Access.PUBLIC)
async def read_writers(
    query: Annotated[WriterQuery, Query()], db: SessionDep
) -> Page[WriterRead] | CursorPage[WriterRead]:
    """List writers, each with all books."""
    page = await writers.page(db, query)
    by_id = {writer.id: writer for writer in page.data}
    for row in await books_of_writers.all(db, ids=list(by_id)):
        by_id[row["writer_id"]].books.append(BookInList.model_validate(row))
    return page


@router.get("/books", response_model=pages_of(BookRead))
@access(Access.PUBLIC)
async def read_books(
    query: Annotated[BookQuery, Query()], db: SessionDep
) -> Page[BookRead] | CursorPage[BookRead]:
    """List books, each with the names of its genres."""
    page = await books.page(db, query)
    by_id = {book.id: book for book in page.data}
    for row in await genres_of_books.all(db, ids=list(by_id)):
        by_id[row["book_id"]].genres.append(row["name"])
    return page


@router.get("/found")
@access(Access.PUBLIC)
async def find_books(
    words: Annotated[CleanText, Query(min_length=1, max_length=200)], db: SessionDep
) -> list[FoundBook]:
    """Find books by words, the best match first: `engine -steam`, `"analytical engine"`."""
    return await found_books.all(db, words=words, most=20)
