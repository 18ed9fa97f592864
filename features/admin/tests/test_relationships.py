"""Rows that refer to each other, by relationships in both directions."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from sqladmin import ModelView
from sqlalchemy import select
from sqlmodel import Field, Relationship
from starlette.routing import Mount

from features.admin.declared import ViewError, completed, views_of
from features.admin.pages.serving import Site
from kernel.app import Application
from kernel.schemas import CleanText, InputSchema
from tests.accounts import Person
from tests.admin_site import SAME_ORIGIN, Browser, errors
from tests.application import client_of
from tests.column_types.samples import Apart
from tests.column_types.serving import serving


class Rack(Apart, table=True):
    """A table that another one refers to."""

    __tablename__ = "admin_shelf"

    id: int | None = Field(default=None, primary_key=True)
    name: str
    folios: list["Folio"] = Relationship(back_populates="rack")


class Folio(Apart, table=True):
    """A table that refers to it, by a key that may be null."""

    __tablename__ = "admin_volume"

    id: int | None = Field(default=None, primary_key=True)
    rack_id: int | None = Field(default=None, foreign_key="admin_shelf.id", ondelete="RESTRICT")
    rack: Rack | None = Relationship(back_populates="folios")


class ShelfCreate(InputSchema):
    """What a form makes one of."""

    name: CleanText


class ShelfAdmin(ModelView, model=Rack):
    """Its view."""

    column_list = ("id", "name")
    column_searchable_list = ("name",)
    form_columns = ("name",)
    create_schema = ShelfCreate


class VolumeAdmin(ModelView, model=Folio):
    """Its view."""

    column_list = ("id", "rack_id")


@pytest.fixture(scope="module")
async def shelves(setting_values: Mapping[str, str]) -> AsyncIterator[Application]:
    """An application with a view of both."""
    async with serving(setting_values, [], Apart.metadata) as (app, _):
        site = Site(views_of({"shelves": [ShelfAdmin, VolumeAdmin]}))
        app.router.routes.append(Mount("/shelves", app=site))
        yield app


async def test_a_deletion_sets_no_members_key_to_null(
    shelves: Application, superuser: Person
) -> None:
    async with shelves.state.resources.unit() as db:
        rack = Rack(name="Sciences", folios=[Folio()])
        db.add(rack)
        await db.flush()
        rack_id = rack.id

    async with client_of(shelves, Browser) as browser:
        await browser.sign_in(superuser)
        form = {"row": str(rack_id), "_confirmed": "true"}
        answer = await browser.post("/shelves/rack/act/delete", data=form, headers=SAME_ORIGIN)
        listed = await browser.get("/shelves/folio/list")

    assert answer.status_code == 409
    assert errors(answer)[0].startswith("Sciences: ")
    assert f'href="/shelves/rack/details/{rack_id}"' in listed.text
    async with shelves.state.resources.unit() as db:
        assert (await db.scalars(select(Folio.rack_id))).all() == [rack_id]  # type: ignore[call-overload]


async def test_a_row_leads_to_the_rows_that_refer_to_it(
    shelves: Application, superuser: Person
) -> None:
    async with shelves.state.resources.unit() as db:
        rack, empty = Rack(name="Arts", folios=[Folio(), Folio()]), Rack(name="Empty")
        db.add_all([rack, empty])
        await db.flush()
        path, none = f"/shelves/folio/list?rack_id={rack.id}", empty.id

    async with client_of(shelves, Browser) as browser:
        await browser.sign_in(superuser)
        row = await browser.get(f"/shelves/rack/details/{rack.id}")
        listed = await browser.get(path)
        empty_list = await browser.get(f"/shelves/folio/list?rack_id={none}")
        bad = [
            await browser.get(f"/shelves/folio/list?rack_id={value}") for value in ("x", "9" * 30)
        ]

    assert f'href="{path}"' in row.text
    assert "2 in all" in listed.text
    assert "0 in all" in empty_list.text
    assert [answer.status_code for answer in bad] == [422, 422]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({}, "name the columns to show"),
        ({"column_list": "__all__"}, "name the columns to show"),
        ({"column_list": ("id",), "form_columns": ("name",)}, "no schema has the field name"),
    ],
)
def test_a_view_that_names_too_little_stops_the_start(options: dict[str, Any], told: str) -> None:
    metaclass: Any = type(ModelView)
    declared = metaclass("Bad", (ModelView,), options, model=Rack)

    with pytest.raises(ViewError, match=told):
        completed(declared)


def test_two_views_of_one_name_stop_the_start() -> None:
    with pytest.raises(ViewError, match="there is a view rack"):
        views_of({"one": [ShelfAdmin], "two": [ShelfAdmin]})
