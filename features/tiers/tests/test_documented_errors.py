"""What the constraints on tiers answer stands in the OpenAPI document."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.routing import APIRoute

from features.tiers import router
from kernel.web.raised_errors import errors_of


@pytest.mark.parametrize(
    ("endpoint", "method", "status", "details"),
    [
        (router.patch_tier, "PATCH", 422, ["Tier Name not available"]),
        (router.erase_tier, "DELETE", 409, ["Tier is in use"]),
        (router.patch_user_tier, "PATCH", 404, ["Tier not found", "User not found"]),
    ],
)
def test_what_constraints_answer_follows_from_the_tables_and_the_body(
    endpoint: Callable[..., Any], method: str, status: int, details: list[str]
) -> None:
    assert errors_of(APIRoute("/tier/{id}", endpoint, methods=[method]))[status] == details
