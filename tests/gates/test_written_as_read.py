"""What a write answers is what the next read shows.

A row in the session holds the values that were sent, `5`, and the database gives back `5.00`. So
the decimals of a call are sent as short as they go.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from kernel.app import Application
from kernel.schemas import Message
from kernel.web.router import FeatureRoute
from tests.callers import Arrange, arranger_of, body_of, call, people
from tests.gates.features import WITH_ROUTES, routes_of

DECIMAL = re.compile(r"(-?\d+)\.\d+")
ROW = re.compile(r"/\{(\w+)\}")
INVALID = {400, 422}  # of a text that isn't a decimal, or a bound that the short one breaks
CALLER = "superuser"
Pair = tuple[str, FeatureRoute, FeatureRoute]


@pytest.mark.parametrize("feature", WITH_ROUTES)
async def test_what_a_write_answers_is_what_the_next_read_shows(
    app: Application, feature: str
) -> None:
    problems = [
        await differing(app, pair, arranger_of(feature))
        for pair in pairs([*routes_of(app, feature)])
    ]

    assert [problem for problem in problems if problem] == []


def pairs(routes: list[tuple[str, FeatureRoute]]) -> Iterator[Pair]:
    """Each route that writes a row, with the one that reads it.

    A new row is read behind the path of its write, `/notes` and `/notes/{id}`; any other write of
    the row's shape stands at the path of its read, or with a verb behind it.
    """
    for method, write in routes:
        for read in [route for verb, route in routes if verb == "GET" and method != "GET"]:
            is_new = method == "POST" and write.status_code == 201
            is_row = ROW.fullmatch(behind(write, read))
            is_same = re.fullmatch(r"(/[\w-]+)?", behind(read, write)) and is_shape(write)
            if (is_new and is_row) or (is_same and write.response_model == read.response_model):
                yield method, write, read


def behind(one: FeatureRoute, other: FeatureRoute) -> str:
    """What the other's path has behind the path of the one; all of it, where they differ."""
    return other.path_format.removeprefix(one.path_format)


def is_shape(route: FeatureRoute) -> bool:
    """Whether it answers a row, and no mere message."""
    model = route.response_model
    return isinstance(model, type) and issubclass(model, BaseModel) and model is not Message


async def differing(app: Application, pair: Pair, arrange: Arrange) -> str | None:
    """What the read shows otherwise than the write answered; None if nothing."""
    method, write, read = pair
    async with people(app) as accounts:
        given = {"username": accounts.owner.username, **await arrange(accounts, write.name)}
        short = shortened(body_of(accounts, write, method, given))
        written = await call(accounts, write, method, {**given, "body": short}, CALLER)
        if written.status_code in INVALID:
            written = await call(accounts, write, method, given, CALLER)
        assert written.is_success, written.text
        answered = written.json()
        if row := ROW.fullmatch(behind(write, read)):
            if not isinstance(answered, dict) or row[1] not in answered:
                return None
            given = {**given, row[1]: answered[row[1]]}
        shown = (await call(accounts, read, "GET", given, CALLER)).json()
    # A read may show more, and what is shown once, such as a key, is in the write's answer alone.
    told = {name: (answered[name], shown[name]) for name in answered.keys() & shown.keys()}
    if differ := {name: both for name, both in told.items() if both[0] != both[1]}:
        return (
            f"{method} {write.path} answers what GET {read.path} shows otherwise: {differ}. "
            "Answer the row as the database has it: docs/models.md"
        )
    return None


def shortened(body: Any) -> Any:
    """The body with its decimals, which are text in JSON, without their places."""
    match body:
        case dict():
            return {name: shortened(value) for name, value in body.items()}
        case list():
            return [shortened(value) for value in body]
        case str() if found := DECIMAL.fullmatch(body):
            return found[1]
    return body


def test_the_decimals_of_a_body_are_sent_without_their_places() -> None:
    body = {"amount": "12.50", "lines": [{"price": "-1.25", "text": "1.2.3"}], "count": 5}

    assert shortened(body) == {
        "amount": "12",
        "lines": [{"price": "-1", "text": "1.2.3"}],
        "count": 5,
    }
