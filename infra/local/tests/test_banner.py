"""Tests of what the banner tells of the superuser."""

from pathlib import Path

import pytest

from infra.local.banner import banner, superuser_of
from infra.local.servers import Servers

MADE = {"ADMIN_USERNAME": "admin", "ADMIN_PASSWORD": "made"}
ELSEWHERE = {"DATABASE_URL": "postgresql://u:hidden@db/app", "REDIS_CACHE_URL": "off"}


@pytest.mark.parametrize(
    ("given", "made", "other", "told"),
    [
        ({}, MADE, False, "admin, password made\n"),
        ({}, MADE, None, "admin, password made (unless it was changed since)"),
        ({}, MADE, True, "as the database has it, with another name or password"),
        ({"ADMIN_PASSWORD": "hidden"}, {}, True, "as the database has it, with another name"),
        (
            {"ADMIN_USERNAME": "ada", "ADMIN_PASSWORD_FILE": "/x"},
            {},
            False,
            "ada, password as given",
        ),
        ({"ADMIN_PASSWORD": "hidden"}, {}, False, "admin, password as given"),
        ({"ENVIRONMENT": "staging"}, {}, False, "made before; no ADMIN_PASSWORD was given"),
    ],
)
def test_the_superuser_is_shown_as_far_as_known_and_no_given_secret_is(
    given: dict[str, str], made: dict[str, str], other: bool | None, told: str
) -> None:
    values = {**ELSEWHERE, **given}
    superuser = superuser_of(values, made, other)
    text = banner("http://127.0.0.1:1", Path(".dev"), values, made, superuser, Servers(), [])

    assert f"Superuser          {told}" in text
    assert "hidden" not in text
