"""Found by hypothesis over all types: bad input is a 422 and never a 500; good input comes back."""

import json
import math
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kernel.app import Application
from tests.column_types.kinds import KINDS, Kind
from tests.column_types.samples import SAMPLES, Apart
from tests.column_types.serving import serving
from tests.column_types.test_matrix import path_of

EXAMPLES = int(os.environ.get("EXAMPLES", "10"))  # of each kind and place
JSON = {"Content-Type": "application/json"}
each = pytest.mark.parametrize("kind", KINDS, ids=[kind.name for kind in KINDS])
quick = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=EXAMPLES == 10,  # CI finds the same each time; a longer search other ones
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

# Text with everything in it, lone surrogates and NUL among it, and what other types are made of.
ODD = (
    *("", "0", "-1", "1e400", "nan", "-inf", "NaN", "Infinity", "1e-400", "9" * 400, "true"),
    *("9999-12-31", "0001-01-01", "10000-01-01", "-0001-01-01", "2026-02-30", "24:00", "P1Y"),
    *("9999-12-31T23:59:60Z", "0001-01-01T00:00:00+23:59", "2026-01-01T00:00:00", "-P1D"),
    *("P99999999999999D", "{", "[[[[", '{"a":1}', "'", "\\", "%00", "\x00", "\ud800", "\u202e"),
    *("x" * 3000, "00000000-0000-0000-0000-000000000000", "{}", "null", "AAAA", "____"),
)
TEXTS = st.one_of(
    st.text(st.characters(), max_size=60),
    st.sampled_from(ODD),
    st.integers(-(2**70), 2**70).map(str),
    st.decimals(allow_nan=True).map(str),
    st.floats().map(str),
    st.datetimes().map(str),
    st.dates().map(str),
    st.timedeltas().map(str),
    st.uuids().map(str),
)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.integers(-(10**40), 10**40), st.floats(), TEXTS
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
Served = tuple[Application, httpx2.AsyncClient]
Run = Callable[[Awaitable[Any]], Any]


@pytest.fixture(scope="module")
async def served(setting_values: dict[str, str]) -> AsyncIterator[Served]:
    routers = [sample.router for sample in SAMPLES.values()]
    async with serving(setting_values, routers, Apart.metadata) as both:
        yield both


def values_of(kind: Kind) -> st.SearchStrategy[Any]:
    """Anything, and what is nearly right."""
    near = [kind.json(value) for value in kind.values]
    return st.one_of(ANYTHING, st.sampled_from([*near, *kind.unfit]))


@each
@quick
@given(data=st.data())
async def test_no_body_is_too_much(served: Served, kind: Kind, data: st.DataObject) -> None:
    _, client = served
    sample = SAMPLES[kind.name]
    value, maybe = data.draw(values_of(kind)), data.draw(ANYTHING)

    for body in ({"value": value}, {"value": value, "maybe": maybe}, value):
        for path in (path_of(sample), path_of(sample, "careless")):
            answer = await client.post(path, content=json.dumps(body), headers=JSON)

            assert answer.status_code in (201, 422), (path, body, answer.text)
            if answer.status_code == 201 and not kind.hidden:
                told = answer.json()["value"]
                assert isinstance(told, str) or told is None or same(told, body["value"])


def same(shown: Any, sent: Any) -> bool:
    """Whether a number, a list or a document is shown as it was sent, to a float's precision."""
    if isinstance(shown, float) and isinstance(sent, int | float | str):
        return math.isclose(shown, float(sent), rel_tol=1e-15)
    if isinstance(shown, bool):
        return True  # "yes" is one of the ways to say it
    if isinstance(shown, int):
        return int(sent) == shown
    return isinstance(shown, list | dict) and bool(shown == sent)


@each
@quick
@given(data=st.data())
async def test_no_filter_and_no_cursor_is_too_much(
    served: Served, kind: Kind, data: st.DataObject
) -> None:
    _, client = served
    sample = SAMPLES[kind.name]
    near = [kind.text(value) for value in kind.values if not isinstance(value, list)]
    texts = st.one_of(TEXTS, st.sampled_from(near or [""]))
    names = st.sampled_from(["value", "value_from", "value_to", "maybe", "maybe_null", "cursor"])

    asked = data.draw(st.lists(st.tuples(names, texts), min_size=1, max_size=3))
    pairs = [f"{name}={quote(text, errors='surrogatepass')}" for name, text in asked]

    answer = await client.get(f"{path_of(sample)}?{'&'.join(pairs)}")

    assert answer.status_code in (200, 422), (asked, answer.text)


@pytest.mark.parametrize(
    "kind", [k for k in KINDS if k.in_paths], ids=[k.name for k in KINDS if k.in_paths]
)
@quick
@given(text=TEXTS.filter(bool))
async def test_no_path_is_too_much(served: Served, kind: Kind, text: str) -> None:
    _, client = served
    part = quote(text, safe="", errors="surrogatepass")

    for place in ("at", "cached"):
        answer = await client.get(path_of(SAMPLES[kind.name], place, part))

        # A slash makes it another path, and no path has a NUL.
        other = any(one in text for one in "/\x00") or text in (".", "..")
        assert answer.status_code in (200, 422, *([404] if other else [])), (text, answer.text)


@pytest.mark.parametrize(
    "kind", [k for k in KINDS if k.sortable], ids=[k.name for k in KINDS if k.sortable]
)
async def test_a_cursor_that_was_tampered_with_or_is_anothers_is_refused(
    served: Served, kind: Kind
) -> None:
    _, client = served
    sample = SAMPLES[kind.name]
    for value in kind.values[:2]:
        await client.post(path_of(sample), json={"value": kind.json(value)})
    first = await client.get(
        path_of(sample), params={"cursor": "", "sort": "value", "items_per_page": 1}
    )
    cursor: str = first.json()["next_cursor"]
    other = SAMPLES["int" if kind.name != "int" else "str"]

    elsewhere = [
        await client.get(path_of(other), params={"cursor": cursor, "sort": "value"}),
        await client.get(path_of(sample), params={"cursor": cursor, "sort": "-value"}),
        await client.get(path_of(sample), params={"cursor": cursor}),
        await client.get(
            path_of(sample), params={"cursor": cursor, "sort": "value", "maybe_null": 1}
        ),
    ]
    assert [answer.status_code for answer in elsewhere] == [422] * 4

    for place in range(0, len(cursor) - 1, 3):
        changed = cursor[:place] + ("A" if cursor[place] != "A" else "B") + cursor[place + 1 :]
        answer = await client.get(path_of(sample), params={"cursor": changed, "sort": "value"})
        assert answer.status_code == 422, changed
    for foreign in ODD:
        given = quote(foreign, errors="surrogatepass")
        answer = await client.get(f"{path_of(sample)}?sort=value&cursor={given}")
        assert answer.status_code == (200 if foreign == "" else 422), foreign
    whole = await client.get(path_of(sample), params={"cursor": cursor, "sort": "value"})
    assert whole.status_code == 200
