"""What the shortcuts of kernel.fast count on in FastAPI, and what they leave to it."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from types import CodeType

import pytest
from fastapi import routing
from fastapi.dependencies.models import Dependant

from kernel.fast.understood import UNDERSTOOD, Unknown, check_endpoint


@dataclass
class NewerDependant(Dependant):
    """Of a FastAPI that knows one more thing to ask for."""

    cookie_jar_name: str | None = None


def test_a_dependant_that_asks_for_something_unknown_is_left_to_fastapi() -> None:
    check_endpoint(NewerDependant())
    with pytest.raises(Unknown, match="cookie_jar_name"):
        check_endpoint(NewerDependant(cookie_jar_name="jar"))


def test_every_field_that_is_understood_is_one_of_fastapis() -> None:
    assert {one.name for one in fields(Dependant)} >= UNDERSTOOD


def names_in(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from names_in(constant)


def test_fastapi_asks_for_what_is_replaced_by_these_names() -> None:
    handler = names_in(routing.get_request_handler.__code__)
    assert "solve_dependencies" in handler
    assert "get_request_handler" in names_in(routing.APIRoute.get_route_handler.__code__)
