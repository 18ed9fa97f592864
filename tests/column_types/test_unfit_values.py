"""What a column can't hold is a 422 that names the field, and is never stored as something else."""

import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import httpx2
import pytest

from kernel.app import Application
from tests.column_types.kinds import BY_NAME, KINDS, Kind
from tests.column_types.samples import SAMPLES, Apart
from tests.column_types.serving import API, serving, whole
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
