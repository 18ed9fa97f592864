"""Tests of what counts as an external server, and of what is made up for local."""

from pathlib import Path

import pytest

from infra.local.dev_env import external_database, generate, given, own_redis_roles
from kernel.config.loader import Settings, SettingsGroup


@pytest.mark.parametrize(
    ("values", "external"),
    [
        ({}, False),
        ({"POSTGRES_USER": "u", "POSTGRES_PORT": "5433", "POSTGRES_DB": "d"}, False),
        ({"POSTGRES_SERVER": "db"}, True),
        ({"DATABASE_URL": "postgresql://db/app"}, True),
        ({"DATABASE_URL_FILE": "/run/secrets/url"}, True),
    ],
)
def test_only_a_url_or_a_server_name_means_an_external_database(
    values: dict[str, str], external: bool
) -> None:
    assert external_database(values) is external


def test_each_redis_is_external_or_off_by_itself() -> None:
    assert own_redis_roles({"REDIS_CACHE_PORT": "1"}) == ["CACHE", "QUEUE", "RATE_LIMIT"]
    assert own_redis_roles({"REDIS_CACHE_HOST": "r", "REDIS_QUEUE_URL": "off"}) == ["RATE_LIMIT"]


def test_the_environment_wins_over_the_file_and_empty_is_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("PORT=1\nHOST=filed\nDATABASE_URL=\nREDIS_QUEUE_URL= # none\n")
    monkeypatch.setenv("PORT", "2")
    monkeypatch.setenv("HOST", "")

    values = given(tmp_path)

    assert (values["PORT"], values["HOST"]) == ("2", "filed")
    assert not external_database(values)
    assert len(own_redis_roles(values)) == 3


def test_secrets_are_made_once_for_our_eyes_only(tmp_path: Path) -> None:
    first = generate({}, tmp_path)

    again = generate({}, tmp_path)

    assert first == again
    assert len(first["SECRET_KEY"]) > 60
    assert (tmp_path / "generated.env").stat().st_mode & 0o077 == 0


def test_what_is_given_is_not_made_up(tmp_path: Path) -> None:
    made = generate({"ADMIN_PASSWORD": "Given!", "SECRET_KEY_FILE": "/x"}, tmp_path)

    assert made.keys() == {"ADMIN_NAME", "ADMIN_EMAIL", "ADMIN_USERNAME"}
    assert generate({}, tmp_path).keys() > made.keys()


def test_nothing_is_made_up_outside_of_local(tmp_path: Path) -> None:
    assert generate({"ENVIRONMENT": "staging"}, tmp_path) == {}
    assert not list(tmp_path.iterdir())


class Keys(SettingsGroup):
    secret_key: str


def test_the_application_reads_what_was_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ENVIRONMENT", "DEV_DATA_DIR", "SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / ".dev").mkdir()
    made = generate({}, tmp_path / ".dev")

    settings = Settings.load([Keys], root=tmp_path)

    assert settings.group(Keys).secret_key == made["SECRET_KEY"]
