"""Tests of what the banner tells of the superuser."""

from pathlib import Path

import pytest

from infra.local.banner import banner
from infra.local.servers import Servers

ELSEWHERE = {"DATABASE_URL": "postgresql://u:hidden@db/app", "REDIS_CACHE_URL": "off"}


@pytest.mark.parametrize(
    ("given", "made", "told"),
    [
        ({}, {"ADMIN_USERNAME": "admin", "ADMIN_PASSWORD": "made"}, "admin, password made (unless"),
        ({"ADMIN_USERNAME": "ada", "ADMIN_PASSWORD_FILE": "/x"}, {}, "ada, password as given"),
        ({"ADMIN_PASSWORD": "hidden"}, {}, "admin, password as given"),
        ({"ENVIRONMENT": "staging"}, {}, "made before; no ADMIN_PASSWORD was given"),
    ],
)
def test_the_superuser_is_shown_as_far_as_known_and_no_given_secret_is(
    given: dict[str, str], made: dict[str, str], told: str
) -> None:
    text = banner("http://127.0.0.1:1", Path(".dev"), {**ELSEWHERE, **given}, made, Servers(), [])

    assert f"Superuser          {told}" in text
    assert "hidden" not in text
