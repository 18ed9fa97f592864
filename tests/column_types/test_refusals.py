"""What stops the start, with a sentence that says what to write: the only cells that may."""

from datetime import datetime
from typing import Annotated, Any, Literal

import pytest
from fastapi import APIRouter, Request
from fastcrud import FastCRUD
from pydantic import NaiveDatetime, SecretStr, create_model
from sqlalchemy import DateTime, MetaData
from sqlmodel import Field as Column
from sqlmodel import SQLModel

from kernel.app import create_application
from kernel.cache import cache
from kernel.cache.policy import CacheError
from kernel.config.loader import Settings
from kernel.db import Listing, ListQuery
from kernel.db.cursors import ListingError
from kernel.db.sorting import SortBy
from kernel.web import Access, access
from kernel.web.routes import RouteError, place, refuse_unclear
from tests.column_types.kinds import KINDS
from tests.column_types.samples import SAMPLES

UNSORTED = [kind.name for kind in KINDS if not kind.sortable]
SECRET = SAMPLES["SecretStr"]


class Apart(SQLModel):
    """Tables that migrations must not see."""

    metadata = MetaData()


def test_only_these_may_refuse() -> None:
    assert set(UNSORTED) == {"tsvector", "JSONB", "array", "bytes", "SecretStr"}
    assert {kind.name for kind in KINDS if not kind.in_paths} == {"JSONB", "array", "SecretStr"}
    assert [kind.name for kind in KINDS if kind.hidden] == ["SecretStr"]


@pytest.mark.parametrize("kind", UNSORTED)
@pytest.mark.parametrize(
    "sort", [Literal["id", "value"], Annotated[str, SortBy("id", "value")]], ids=["one", "several"]
)
def test_a_sort_by_what_no_cursor_holds_stops_the_start(kind: str, sort: Any) -> None:
    sample = SAMPLES[kind]
    query = create_model("Query", __base__=ListQuery, sort=(sort, "id"))

    with pytest.raises(ListingError, match=r"value is of type .*take it out"):
        Listing(sample.crud, sample.read, query)


@pytest.mark.parametrize("kind", [SecretStr, SecretStr | None, list[SecretStr]])
def test_a_filter_by_a_secret_stops_the_start(kind: Any) -> None:
    query = create_model("Query", __base__=ListQuery, value=(kind, None))

    with pytest.raises(ListingError, match=r"value of .* is a secret"):
        Listing(SECRET.crud, SECRET.read, query)


def test_a_filter_of_a_secret_column_stops_the_start_though_it_asks_for_text() -> None:
    query = create_model("Query", __base__=ListQuery, value=(str | None, None))

    with pytest.raises(ListingError, match=r"value of .* is a secret"):
        Listing(SECRET.crud, SECRET.read, query)


async def started(values: dict[str, str], router: APIRouter) -> None:
    app = create_application(Settings(values), routers=[router])
    async with app.router.lifespan_context(app):
        pass


def test_a_secret_in_a_path_stops_the_start() -> None:
    router = APIRouter()

    @router.get("/reset/{code}")
    @access(Access.PUBLIC)
    async def read_code(code: SecretStr) -> None: ...

    with pytest.raises(RouteError, match="takes code, a secret, in its path"):
        refuse_unclear(place([router], None))


async def test_a_secret_in_a_key_of_the_cache_stops_the_start(
    setting_values: dict[str, str],
) -> None:
    async def read_code(request: Request, code: SecretStr | None = None) -> int:
        return 1

    with pytest.raises(CacheError, match="code is a secret"):
        cache("codes", resource_id_name="code")(read_code)

    router = APIRouter()
    router.get("/codes")(access(Access.PUBLIC)(cache("codes")(read_code)))
    with pytest.raises(CacheError, match="code is a secret"):
        await started(setting_values, router)


@pytest.mark.parametrize("kind", [dict[str, Any], list[str]])
def test_a_document_or_a_list_in_a_path_stops_the_start(kind: Any) -> None:
    async def read(value: Any) -> None: ...

    read.__annotations__["value"] = kind

    with pytest.raises(AssertionError, match="Path params must be"):
        APIRouter().get("/{value}")(read)


@pytest.mark.parametrize(
    ("annotation", "column"),
    [
        (NaiveDatetime, {}),
        (NaiveDatetime | None, {"default": None}),
        (datetime, {"sa_type": DateTime}),
        (datetime, {"sa_type": DateTime(timezone=False)}),
    ],
)
def test_a_column_of_moments_without_an_offset_stops_the_start(
    annotation: Any, column: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match=r"without an offset from UTC .* write `datetime`"):
        declared(annotation, **column)


@pytest.mark.parametrize("annotation", [Literal[1, "a"], dict[str, Any], list[str], int | str])
def test_a_field_that_no_type_is_known_for_says_so(annotation: Any) -> None:
    with pytest.raises(ValueError, match="has no matching SQLAlchemy type"):
        declared(annotation)


def declared(annotation: Any, **column: Any) -> Any:
    space = {
        "__annotations__": {"id": int, "at": annotation},
        "__module__": __name__,
        "id": Column(primary_key=True),
        "at": Column(**column),
    }
    metaclass: Any = type(Apart)
    return metaclass("Refused", (Apart,), space, table=True)


def test_a_list_says_which_column_it_refuses() -> None:
    crud: FastCRUD[Any, Any, Any, Any, Any, Any] = FastCRUD(SECRET.table)

    with pytest.raises(ListingError) as caught:
        Listing(crud, SECRET.read, create_model("Query", __base__=ListQuery, lost=(int, 1)))

    assert "has no column lost" in str(caught.value)
