"""What a column can't hold is a 422 that names the field, and is never stored as something else."""

import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import httpx2
import pytest

from kernel.app import Application
from tests.column_types.kinds import KINDS, Kind
from tests.column_types.samples import SAMPLES, Apart
from tests.column_types.serving import serving, whole
from tests.column_types.test_matrix import path_of

Served = tuple[Application, httpx2.AsyncClient]
JSON = {"Content-Type": "application/json"}
CASES = [(kind, value) for kind in KINDS for value in kind.unfit]


@pytest.fixture(scope="module")
async def served(setting_values: dict[str, str]) -> AsyncIterator[Served]:
    routers = [sample.router for sample in SAMPLES.values()]
    async with serving(setting_values, routers, Apart.metadata) as both:
        yield both


def named(answer: httpx2.Response) -> list[str]:
    """The last part of each place that a 422 names."""
    assert answer.status_code == 422, answer.text
    problem = answer.json()
    names = {str(part) for error in problem["errors"] for part in error["loc"]}
    assert any(name in problem["detail"] for name in names)
    return sorted(names)


@pytest.mark.parametrize(
    ("kind", "value"),
    CASES,
    ids=[f"{kind.name} {json.dumps(value)[:30]}" for kind, value in CASES],
)
async def test_a_body_with_a_value_that_a_column_cannot_hold_is_refused_by_name(
    served: Served, kind: Kind, value: Any
) -> None:
    _, client = served
    sample = SAMPLES[kind.name]
    fine = await client.post(path_of(sample), json={"value": kind.json(kind.values[1])})
    row = fine.json()
    careless: Any = {"content": json.dumps({"value": value}), "headers": JSON}

    created = await client.post(path_of(sample, "careless"), **careless)
    patched = await client.patch(path_of(sample, str(row["id"])), **careless)

    assert "value" in named(created)
    assert "value" in named(patched)
    assert await whole(client, path_of(sample)) == [row]


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("str", "a\x00b"),
        ("int", "2147483648"),
        ("int", "-99999999999999999999"),
        ("bigint", "9223372036854775808"),
        ("Decimal", "0.00001"),
        ("Decimal", "1e9"),
        ("Decimal", "NaN"),
        ("numeric without a size", "1e200000"),
        ("float", "x"),
        ("bool", "perhaps"),
        ("date", "9999-12-31"),
        ("date", "10000-01-01"),
        ("date", "-0044-03-15"),
        ("timestamptz", "2026-01-01T00:00:00"),
        ("timestamptz", "9999-12-31T23:59:59.999999Z"),
        ("timestamptz", "0001-01-01T00:00:00+14:00"),
        ("timedelta", "P9999999999D"),
        ("UUID", "x"),
        ("Enum", "RED"),
        ("StrEnum", "DRAFT"),
        ("IntEnum", "2"),
        ("Literal", "lost"),
    ],
)
async def test_an_address_with_a_value_that_a_column_cannot_hold_is_refused_by_name(
    served: Served, kind: str, text: str
) -> None:
    _, client = served
    sample = SAMPLES[kind]

    in_path = await client.get(path_of(sample, "at", quote(text, safe="")))
    cached = await client.get(path_of(sample, "cached", quote(text, safe="")))
    names = ["value", "value_from", "value_to", "maybe"]
    filters = [await client.get(path_of(sample), params={name: text}) for name in names]
    by_cursor = await client.get(path_of(sample), params={"value": text, "cursor": ""})

    for answer in (in_path, cached, by_cursor):
        if answer.status_code != 404 or "\x00" not in text:  # no path has a NUL
            assert "value" in named(answer)
    for name, answer in zip(names, filters, strict=True):
        assert name in named(answer)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("JSONB", '{"a": "\\u0000"}'),
        ("JSONB", '{"a": NaN}'),
        ("JSONB", '{"a": 1e400}'),
        ("JSONB", "{"),
        ("JSONB", "[" * 5000),
        ("tsvector", "a\x00"),
        ("array", "a\x00"),
        ("bytes", "not base64!"),
    ],
)
async def test_a_filter_of_a_document_a_list_or_bytes_is_refused_by_name(
    served: Served, kind: str, text: str
) -> None:
    _, client = served

    answer = await client.get(path_of(SAMPLES[kind]), params={"value": text})

    assert "value" in named(answer)
