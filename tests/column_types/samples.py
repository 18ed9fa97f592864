"""A table, its shapes and its routes for each column type: an ordinary feature each."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastcrud import FastCRUD
from pydantic import BaseModel, Field, create_model
from sqlalchemy import MetaData, func
from sqlmodel import Field as Column
from sqlmodel import SQLModel, select

from kernel.cache import cache
from kernel.db import JSONBytesResponse, Listing, ListQuery, pages_of
from kernel.schemas import InputSchema, ReadSchema
from kernel.web import Access, SessionDep, access
from tests.column_types.kinds import KINDS, Kind


class Apart(SQLModel):
    """Tables that migrations must not see."""

    metadata = MetaData()


class Sample:
    """What a feature author writes for a table with a column of this kind."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.slug = kind.name.replace(" ", "-")
        self.table = _table(kind)
        self.create: type[BaseModel] = _shape(kind, "Create", InputSchema, kind.body)
        self.careless: type[BaseModel] = _shape(
            kind, "Careless", InputSchema, kind.careless or kind.body
        )
        self.read = _shape(kind, "Read", ReadSchema, kind.read, id=(int, ...))
        self.crud: FastCRUD[Any, Any, Any, Any, Any, Any] = FastCRUD(self.table)
        self.router = APIRouter(prefix=f"/{self.slug}", tags=["types"])
        self.loads = 0

    @property
    def sorts(self) -> list[str]:
        names = ["id", "value", "maybe"] if self.kind.sortable else ["id"]
        return [f"{sign}{name}" for name in names for sign in ("", "-")]

    def query(self, filters: bool) -> type[ListQuery]:
        """What the list is sorted and filtered by."""
        fields: dict[str, Any] = {"sort": (Literal[tuple(self.sorts)], "id")}
        if filters:
            one = self.kind.filtered
            fields |= {"value": (one | None, None), "maybe_null": (bool | None, None)}
            if self.kind.sortable:
                fields |= {"value_from": (one | None, None), "value_to": (one | None, None)}
                fields |= {"maybe": (list[one], Field([]))}  # type: ignore[valid-type]
        return create_model("Query", __base__=ListQuery, **fields)

    def ids_of(self, value: Any) -> Any:
        """The rows with that value, or with the words of a tsvector."""
        table = self.table
        wanted = table.value == value
        if self.kind.name == "tsvector":
            wanted = table.value.op("@@")(func.websearch_to_tsquery("simple", value))
        return select(table.id).where(wanted).order_by(table.id)

    def listing(self, filters: bool = True) -> Listing[Any]:
        return Listing(self.crud, self.read, self.query(filters))


def _table(kind: Kind) -> Any:
    name = f"sample_{kind.name.lower().replace(' ', '_')}"
    space = {
        "__annotations__": {"id": int | None, "value": kind.stored, "maybe": kind.stored | None},
        "__module__": __name__,
        "__tablename__": name,
        "id": Column(default=None, primary_key=True),
        "value": Column(**kind.column),
        "maybe": Column(default=None, nullable=True, **kind.column),
    }
    metaclass: Any = type(Apart)
    return metaclass(name.title().replace("_", ""), (Apart,), space, table=True)


def _shape(
    kind: Kind, name: str, parent: type[BaseModel], one: Any, **more: Any
) -> type[BaseModel]:
    fields: dict[str, Any] = {"value": (one, ...), "maybe": (one | None, None)}
    return create_model(
        f"{kind.name.title().replace(' ', '')}{name}", __base__=parent, **more, **fields
    )


def add_routes(sample: Sample) -> None:
    """Create, list and patch."""
    router, table, crud = sample.router, sample.table, sample.crud
    create, careless, read = sample.create, sample.careless, sample.read
    listing = sample.listing(filters=not sample.kind.hidden)
    asked = sample.query(filters=not sample.kind.hidden)

    @router.post("", status_code=201, response_model=read)
    @access(Access.PUBLIC)
    async def write_sample(values: create, db: SessionDep) -> Any:  # type: ignore[valid-type]
        return await crud.create(db, values, schema_to_select=read, return_as_model=True)

    @router.post("/careless", status_code=201, response_model=read)
    @access(Access.PUBLIC)
    async def write_carelessly(values: careless, db: SessionDep) -> Any:  # type: ignore[valid-type]
        row = table(**values.model_dump())  # type: ignore[attr-defined]
        db.add(row)
        await db.flush()
        return row

    @router.patch("/{id}")
    @access(Access.PUBLIC)
    async def patch_sample(id: int, values: careless, db: SessionDep) -> None:  # type: ignore[valid-type]
        await crud.update(db, values, id=id)

    @router.get("", response_model=pages_of(read))
    @access(Access.PUBLIC)
    async def read_samples(query: Annotated[asked, Query()], db: SessionDep) -> JSONBytesResponse:  # type: ignore[valid-type]
        return await listing.answer(db, query)


def add_path(sample: Sample) -> None:
    """A value in the path, with and without a cache."""
    kind = sample.kind.filtered

    @sample.router.get("/at/{value}")
    @access(Access.PUBLIC)
    async def read_at(value: kind, db: SessionDep) -> list[int]:  # type: ignore[valid-type]
        return list(await db.exec(sample.ids_of(value)))


def add_cached(sample: Sample) -> None:
    """A value in a key of the cache."""
    table, kind = sample.table, sample.kind.filtered
    name = f"types_{sample.slug}"

    @sample.router.get("/cached/{value}")
    @access(Access.PUBLIC)
    @cache(name, resource_id_name="value")
    async def read_cached(request: Request, value: kind, db: SessionDep) -> list[int]:  # type: ignore[valid-type]
        sample.loads += 1
        return list(await db.exec(sample.ids_of(value)))

    @sample.router.post("/cached/{value}")
    @access(Access.PUBLIC)
    @cache(name, resource_id_name="value")
    async def write_cached(request: Request, value: kind, db: SessionDep) -> None:  # type: ignore[valid-type]
        db.add(table(value=value))


def add_cached_query(sample: Sample) -> None:
    """A value in a key of the cache, as a parameter: what no path holds."""
    table, kind = sample.table, sample.kind.filtered
    name = f"types_{sample.slug}"

    @sample.router.get("/cached")
    @access(Access.PUBLIC)
    @cache(name, resource_id_name="value")
    async def read_cached(
        request: Request,
        value: Annotated[kind, Query()],  # type: ignore[valid-type]
        db: SessionDep,
    ) -> list[int]:
        sample.loads += 1
        return list(await db.exec(sample.ids_of(value)))

    @sample.router.post("/cached")
    @access(Access.PUBLIC)
    @cache(name, resource_id_name="value")
    async def write_cached(
        request: Request,
        value: Annotated[kind, Query()],  # type: ignore[valid-type]
        db: SessionDep,
    ) -> None:
        db.add(table(value=value))


SAMPLES = {kind.name: Sample(kind) for kind in KINDS}
for one in SAMPLES.values():
    add_routes(one)
    if one.kind.in_paths:
        add_path(one)
        add_cached(one)
    elif not one.kind.hidden:
        add_cached_query(one)
