"""Types times places: each cell works, or the application doesn't start; docs/types.md shows it."""

import json
import operator
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
from pydantic import Field, computed_field, create_model, field_serializer

from kernel.app import Application
from kernel.db import Listing
from kernel.schemas import ReadSchema
from tests.column_types.kinds import BY_NAME, KINDS, Kind
from tests.column_types.samples import SAMPLES, Apart, Sample
from tests.column_types.serving import API, pages, serving, whole

Served = tuple[Application, httpx2.AsyncClient]
each = pytest.mark.parametrize("kind", KINDS, ids=[kind.name for kind in KINDS])
in_paths = [kind for kind in KINDS if kind.in_paths]
sortable = [kind for kind in KINDS if kind.sortable]


@pytest.fixture(scope="module")
async def served(
    setting_values: dict[str, str],
) -> AsyncIterator[Served]:
    routers = [sample.router for sample in SAMPLES.values()]
    async with serving(setting_values, routers, Apart.metadata) as both:
        yield both


class Made(ReadSchema):
    """With an alias, a serializer, a computed field and a field that isn't shown."""

    id: int

    @field_serializer("id")
    def mark(self, id: int) -> str:
        return f"<{id}>"

    @computed_field  # type: ignore[prop-decorator]
    @property
    def twice(self) -> int:
        return 2 * self.id


def path_of(sample: Sample, *more: str) -> str:
    return "/".join([API, sample.slug, *more])


async def sent(client: httpx2.AsyncClient, kind: Kind) -> list[int]:
    """The ids of rows that bodies made, one for each value."""
    ids = []
    for number, value in enumerate(kind.values):
        body = {"value": kind.json(value), "maybe": kind.json(value) if number % 2 else None}
        answer = await client.post(path_of(SAMPLES[kind.name]), json=body)
        assert answer.status_code == 201, answer.text
        ids.append(answer.json()["id"])
    return ids


async def filled(app: Application, kind: Kind) -> tuple[Sample, list[int]]:
    """A row for each value; every second one without the other column."""
    sample, ids = SAMPLES[kind.name], []
    async with app.state.resources.unit() as unit:
        for number, value in enumerate(kind.values):
            row = sample.table(value=value, maybe=value if number % 2 else None)
            unit.add(row)
            await unit.flush()
            ids.append(row.id)
    return sample, ids


def shown(sample: Sample, row: Any) -> Any:
    """What the response model makes of a row."""
    return json.loads(sample.read.model_validate(row).model_dump_json(by_alias=True))


@each
async def test_what_a_body_sends_is_stored_and_shown(served: Served, kind: Kind) -> None:
    app, client = served
    sample, ids = SAMPLES[kind.name], await sent(client, kind)

    async with app.state.resources.unit() as unit:
        rows = [await unit.get(sample.table, id) for id in ids]
    assert [row.value for row in rows] == list(kind.values)
    listed = await whole(client, path_of(sample))
    assert listed == [shown(sample, row) for row in rows]
    for row in listed:
        assert isinstance(row["value"], str) is isinstance(shown(sample, rows[0])["value"], str)


@each
@pytest.mark.parametrize("cursor", [None, ""], ids=["by number", "by cursor"])
async def test_a_list_is_what_the_response_model_makes_of_its_rows(
    served: Served, kind: Kind, cursor: str | None
) -> None:
    app, _ = served
    sample, ids = await filled(app, kind)
    made = create_model(
        "Made",
        __base__=Made,
        value=(kind.read, Field(alias="theValue")),
        maybe=(kind.read | None, Field(exclude=True)),
    )
    listing = Listing(sample.crud, made, sample.query(filters=False))
    async with app.state.resources.unit() as unit:
        rows = [await unit.get(sample.table, id) for id in ids]
        answer = await listing.answer(
            unit, sample.query(filters=False)(cursor=cursor, items_per_page=100)
        )

    expected = [
        made.model_validate(row, by_name=True).model_dump_json(by_alias=True) for row in rows
    ]
    listed = json.loads(bytes(answer.body))["data"]
    assert listed == [json.loads(one) for one in expected]
    assert {tuple(one) for one in listed} == {("id", "theValue", "twice")}
    assert listed[0]["id"] == f"<{ids[0]}>"
    assert "hush" not in str(listed)


@each
async def test_a_list_is_filtered_by_a_value(served: Served, kind: Kind) -> None:
    app, client = served
    sample, ids = await filled(app, kind)
    if kind.hidden:
        return  # test_refusals.py: the start refuses
    for value in kind.values:
        expected = [id for id, its in zip(ids, kind.values, strict=True) if kind.same(its, value)]
        for read in (whole, pages):
            if isinstance(value, list):
                query: Any = {"value": value}
            else:
                query = {"value": kind.text(value)}
            if value in ([], ""):
                continue  # nothing is asked for
            found = await read(client, path_of(sample), **query)
            assert [row["id"] for row in found] == expected, value
    for read in (whole, pages):
        without = await read(client, path_of(sample), maybe_null=True)
        assert [row["id"] for row in without] == ids[::2]


@pytest.mark.parametrize("kind", sortable, ids=[kind.name for kind in sortable])
async def test_a_list_is_filtered_by_a_range_and_by_membership(served: Served, kind: Kind) -> None:
    app, client = served
    sample, ids = await filled(app, kind)
    ordered = [row["id"] for row in await whole(client, path_of(sample), sort="value")]
    values = dict(zip(ids, kind.values, strict=True))
    middle = values[ordered[len(ordered) // 2]]
    for read in (whole, pages):
        low = await read(client, path_of(sample), value_to=kind.text(middle))
        high = await read(client, path_of(sample), value_from=kind.text(middle))
        both = {row["id"] for row in low} & {row["id"] for row in high}
        assert both == {id for id, value in values.items() if value == middle}
        assert {row["id"] for row in [*low, *high]} == set(ids)
        asked = [kind.text(value) for value in kind.values[:3]]
        members = await read(client, path_of(sample), maybe=asked)
        among = {id for id in ids[1::2] if values[id] in kind.values[:3]}
        assert {row["id"] for row in members} == among


@pytest.mark.parametrize("kind", sortable, ids=[kind.name for kind in sortable])
async def test_cursor_pages_are_the_sorted_list_in_both_directions(
    served: Served, kind: Kind
) -> None:
    app, client = served
    sample, ids = await filled(app, kind)
    for name in ("value", "maybe"):
        up = await whole(client, path_of(sample), sort=name)
        down = await whole(client, path_of(sample), sort=f"-{name}")
        assert await pages(client, path_of(sample), sort=name) == up
        assert await pages(client, path_of(sample), sort=f"-{name}") == down
        assert up == down[::-1]
        nulls = [row[name] is None for row in up]
        assert nulls == sorted(nulls)  # a null is the highest value
        if kind.name not in ("str", "Enum", "StrEnum", "IntEnum", "Literal"):
            order = dict(zip(ids, kind.values, strict=True))
            values = [order[row["id"]] for row in up if row[name] is not None]
            assert values == sorted(values)


@pytest.mark.parametrize("kind", in_paths, ids=[kind.name for kind in in_paths])
async def test_a_path_and_a_key_of_the_cache_carry_a_value(served: Served, kind: Kind) -> None:
    app, client = served
    sample, ids = await filled(app, kind)
    for value in dict.fromkeys(kind.values):
        text = quote(kind.text(value), safe="")
        if not text:
            continue  # no segment of a path
        same = kind.same if kind.name == "tsvector" else operator.eq
        expected = [id for id, its in zip(ids, kind.values, strict=True) if same(its, value)]
        found = await client.get(path_of(sample, "at", text))
        assert found.status_code == 200, found.text
        assert set(expected) == set(found.json()) & set(ids)

        loads = sample.loads
        first = await client.get(path_of(sample, "cached", text))
        second = await client.get(path_of(sample, "cached", text))
        assert first.json() == second.json()
        assert set(expected) <= set(first.json())
        assert sample.loads <= loads + 1

        written = await client.post(path_of(sample, "cached", text))
        assert written.status_code == 200, written.text
        after = await client.get(path_of(sample, "cached", text))
        assert len(after.json()) == len(first.json()) + 1


@pytest.mark.parametrize("name", ["array", "JSONB"])
async def test_a_document_and_a_list_stand_in_a_key_as_parameters(
    served: Served, name: str
) -> None:
    app, client = served
    kind = BY_NAME[name]
    sample, ids = await filled(app, kind)
    for value in kind.values:
        if not value:
            continue
        query = {"value": value if isinstance(value, list) else kind.text(value)}
        path, loads = path_of(sample, "cached"), sample.loads

        first = await client.get(path, params=query)
        second = await client.get(path, params=query)
        written = await client.post(path, params=query)
        after = await client.get(path, params=query)

        expected = [id for id, its in zip(ids, kind.values, strict=True) if its == value]
        assert (first.status_code, first.json(), second.json()) == (200, expected, expected)
        assert written.status_code == 200, written.text
        assert len(after.json()) == len(expected) + 1
        # One plain value is kept; what has to be escaped, or is there twice, is answered anew.
        assert (sample.loads == loads + 2) == (value == ["a"])
