"""Settings: sources, empty values, secret files, validation_errors, addresses."""

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import pytest
from pydantic import SecretStr

from kernel.app import create_application
from kernel.config.database import DatabaseSettings
from kernel.config.groups import (
    KERNEL_GROUPS,
    AppSettings,
    HttpSettings,
    RedisSettings,
    SecretSettings,
)
from kernel.config.loader import Settings, SettingsError, SettingsGroup, read_dotenv
from kernel.settings import feature_settings

# As the README of SQLModel-boilerplate tells its users to write it.
OLD_DOTENV = """
# ------------- app settings -------------
APP_NAME="My app"
APP_DESCRIPTION="Your app description here"
CONTACT_EMAIL="Your email"
POSTGRES_USER="me"
POSTGRES_PASSWORD="p@ss/word"
POSTGRES_SERVER="db" # default "localhost"
POSTGRES_PORT=5432 # default "5432"
POSTGRES_DB="mine"
SECRET_KEY= # result of openssl rand -hex 32
ALGORITHM= # pick an algorithm, default HS256
LICENSE_NAME=
ADMIN_EMAIL="your_email"
REDIS_CACHE_HOST="redis"
TEST_NAME="Tester User"
TEST_PASSWORD="Str1ng$t"
ENVIRONMENT="local"
"""


class Pets(SettingsGroup):
    """A feature's group."""

    pet_name: str = "Rex"
    pet_key: SecretStr | None = None


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project root without settings, and an environment without any of ours."""
    for name in ("DATABASE_URL", "SECRET_KEY", "ENVIRONMENT", "PET_NAME", "PET_KEY", "APP_NAME"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_the_old_dotenv_loads_unchanged_and_unknown_names_are_listed(root: Path) -> None:
    (root / ".env").write_text(OLD_DOTENV)

    settings = Settings.load([*KERNEL_GROUPS, *feature_settings(), Pets], root)

    assert create_application(settings).openapi()["info"]["title"] == "My app"
    assert settings.group(AppSettings).app_name == "My app"
    assert settings.group(SecretSettings).secret_key is None
    assert settings.group(AppSettings).license_name is None
    assert settings.group(DatabaseSettings).url.render_as_string(hide_password=False) == (
        "postgresql+asyncpg://me:p%40ss%2Fword@db:5432/mine"
    )
    assert settings.group(RedisSettings).address("cache") == "redis://redis:6379/0"
    assert {"TEST_NAME", "TEST_PASSWORD"} <= set(settings.unknown)
    assert not {"APP_NAME", "LICENSE_NAME", "POSTGRES_DB"} & set(settings.unknown)


def test_the_environment_wins_over_dotenv_over_what_dev_generated(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / ".dev").mkdir()
    (root / ".dev/generated.env").write_text("PET_NAME=generated\nPET_KEY=generated\nAPP_NAME=g\n")
    (root / ".env").write_text("PET_NAME=file\nAPP_NAME=file\n")
    monkeypatch.setenv("PET_NAME", "environment")
    monkeypatch.setenv("APP_NAME", "")

    settings = Settings.load([*KERNEL_GROUPS, Pets], root)

    assert settings.group(Pets).pet_name == "environment"
    assert settings.group(AppSettings).app_name == "file"
    key = settings.group(Pets).pet_key
    assert key is not None
    assert key.get_secret_value() == "generated"


def test_what_dev_generated_counts_in_local_only(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / ".dev").mkdir()
    (root / ".dev/generated.env").write_text("SECRET_KEY=" + "0123456789abcdef" * 4)
    monkeypatch.setenv("ENVIRONMENT", "production")

    with pytest.raises(SettingsError, match="SECRET_KEY is missing"):
        Settings.load(KERNEL_GROUPS, root)


def test_a_dotenv_in_another_encoding_is_refused_by_its_path(root: Path) -> None:
    (root / ".env").write_text("PET_NAME=Rex\n", encoding="utf-16")

    with pytest.raises(SettingsError, match=r"\.env is not UTF-8 text"):
        Settings.load([Pets], root)


def test_a_quoted_number_sign_is_a_value(root: Path) -> None:
    (root / ".env").write_text('A="#1"\nB= # a remark\nC=#2\n')

    assert read_dotenv(root / ".env") == {"A": "#1"}


def test_a_secret_can_come_from_a_file(root: Path) -> None:
    (root / "key").write_text("from the file\n")

    key = Settings({"PET_KEY_FILE": str(root / "key")}).group(Pets).pet_key

    assert key is not None
    assert key.get_secret_value() == "from the file"


def test_every_problem_is_listed_at_once(root: Path) -> None:
    settings = Settings(
        {
            "ENVIRONMENT": "staging",
            "PORT": "many",
            "CORS_ORIGINS": "*",
            "SECRET_KEY": "changeme",
            "PET_KEY_FILE": str(root / "absent"),
        }
    )

    with pytest.raises(SettingsError) as caught:
        settings.check([HttpSettings, SecretSettings, Pets])

    for part in ("staging", "PORT", "CORS_ORIGINS", "SECRET_KEY is weak", "PET_KEY_FILE"):
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "hidden"),
        ("DATABASE_URL", "mysql://u:hidden@h/d"),
        ("DATABASE_URL", "postgresql://u:hidden@h:port/d"),
        ("REDIS_QUEUE_URL", "hidden"),
        ("REDIS_CACHE_URL", "redis://:hidden@h:port"),
    ],
)
def test_an_address_that_leads_nowhere_is_refused_by_its_name(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"{name}: must look like") as caught:
        Settings({name: value}).check(KERNEL_GROUPS)

    assert "hidden" not in str(caught.value)


def test_a_secret_file_that_holds_no_text_is_refused_by_its_name(root: Path) -> None:
    (root / "key").write_bytes(b"\xff\xfe\x00")

    with pytest.raises(SettingsError, match="PET_KEY_FILE: not UTF-8 text"):
        Settings({"PET_KEY_FILE": str(root / "key")}).check([Pets])


def test_a_refused_secret_is_not_in_the_message() -> None:
    secret = "changeme-7f3a"

    with pytest.raises(SettingsError) as caught:
        Settings({"ENVIRONMENT": "staging", "SECRET_KEY": secret}).check([SecretSettings])

    assert secret not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("postgres://u:p@h/d", "postgresql+asyncpg://u:p@h/d"),
        ("postgresql://h/d?sslmode=require", "postgresql+asyncpg://h/d?ssl=require"),
    ],
)
def test_any_spelling_of_a_database_url_is_understood(given: str, url: str) -> None:
    found = Settings({"DATABASE_URL": given}).group(DatabaseSettings).url

    assert found.render_as_string(hide_password=False) == url


def test_a_redis_role_can_be_opted_out_of() -> None:
    redis = Settings({"REDIS_QUEUE_URL": "off"}).group(RedisSettings)

    assert redis.address("queue") is None
    assert redis.address("cache") == "redis://localhost:6379/0"


def test_lists_are_comma_separated() -> None:
    http = Settings(
        {
            "TRUSTED_PROXIES": "10.0.0.0/8, ::1",
            "CORS_ORIGINS": "https://a.example,https://b.example",
        }
    ).group(HttpSettings)

    assert [str(network) for network in http.trusted_proxies] == ["10.0.0.0/8", "::1/128"]
    assert http.cors_origins == ["https://a.example", "https://b.example"]


@pytest.mark.parametrize(
    ("given", "origins"),
    [
        ("http://a.example/", ["http://a.example"]),
        (
            '["http://a.example", "https://b.example:8443"]',
            ["http://a.example", "https://b.example:8443"],
        ),
        (
            "HTTPS://A.Example:443,http://localhost:3000",
            ["https://a.example", "http://localhost:3000"],
        ),
        ("http://bücher.example", ["http://xn--bcher-kva.example"]),
        ("http://[::1]:3000", ["http://[::1]:3000"]),
        ("*", ["*"]),
    ],
)
def test_origins_are_kept_as_browsers_spell_them(given: str, origins: list[str]) -> None:
    assert Settings({"CORS_ORIGINS": given}).group(HttpSettings).cors_origins == origins


@pytest.mark.parametrize(
    "given",
    [
        *["a.example", "http://a.example/path", "http://a.example?x=1", "http://", "null"],
        *["ftp://a.example", "http://a..example", "http://a.example:port", "http://u@a.example"],
        *["http://*.example", '["http://a.example"'],
    ],
)
def test_what_no_browser_sends_as_an_origin_is_refused_by_name(given: str) -> None:
    with pytest.raises(SettingsError, match="CORS_ORIGINS: ") as refused:
        Settings({"CORS_ORIGINS": given}).check([HttpSettings])

    assert "must be origins like https://app.example" in str(refused.value)


class Courier(SettingsGroup):
    """A group that counts on another one."""

    needs: ClassVar[Mapping[str, tuple[str, ...]]] = {"parcels": ("ROAD", "BRIDGE")}
    parcels: bool = False


@pytest.mark.parametrize(
    ("values", "missing"),
    [
        ({}, []),
        ({"PARCELS": "true"}, ["ROAD", "BRIDGE"]),
        ({"PARCELS": "true", "ROAD": "A1", "BRIDGE_FILE": "/run/bridge"}, []),
        ({"PARCELS": "true", "ROAD": ""}, ["ROAD", "BRIDGE"]),
    ],
)
def test_a_setting_that_needs_those_of_others_names_what_is_missing(
    values: dict[str, str], missing: list[str]
) -> None:
    settings = Settings(values)

    if not missing:
        settings.check([Courier])
        return
    with pytest.raises(SettingsError) as refused:
        settings.check([Courier])
    for name in missing:
        assert f"PARCELS needs {name}, which is missing" in str(refused.value)
