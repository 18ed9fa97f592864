"""The key that signs can be changed: what earlier keys have signed is believed meanwhile."""

import os
import subprocess
import sys

import pytest

from kernel.cache.seal import Seal
from kernel.config.groups import SecretSettings
from kernel.config.loader import Settings, SettingsError
from tests.accounts import PASSWORD, Person
from tests.application import SECRET_KEY, ApplicationFactory, client_of

NEW = "9b1de0c7a46f4d2f8c3e5a7096b8d1f2e4c6a80b9d7f5e3c1a2b4d6f8e0c2a47"
ROTATED = {"SECRET_KEY": NEW, "SECRET_KEYS_OLD": SECRET_KEY}
UVICORN = ["uvicorn", "kernel.main:app", "--no-proxy-headers"]
BESIDE = [pytest.mark.drill, pytest.mark.parallel]


async def test_tokens_and_cursors_of_the_old_key_are_good_until_it_is_taken_out(
    user: Person, other: Person, make_app: ApplicationFactory
) -> None:
    first = await user.get("/api/v1/users?items_per_page=1&cursor=")
    cursor = first.json()["next_cursor"]
    cookie = f"refresh_token={user.cookies['refresh_token']}"
    statuses: dict[str, list[int]] = {}
    for name, values in (("rotated", ROTATED), ("removed", {"SECRET_KEY": NEW})):
        async with make_app(**values) as app, client_of(app) as browser:
            bearer = {"Authorization": f"Bearer {user.token}"}
            answers = [
                await browser.get("/api/v1/user/me/", headers=bearer),
                await browser.get(f"/api/v1/users?items_per_page=1&cursor={cursor}"),
                await browser.post("/api/v1/refresh", headers={"Cookie": cookie}),
            ]
        statuses[name] = [answer.status_code for answer in answers]

    assert statuses == {"rotated": [200, 200, 200], "removed": [401, 422, 401]}


async def test_the_first_key_signs(user: Person, make_app: ApplicationFactory) -> None:
    async with make_app(**ROTATED) as app, client_of(app, Person) as browser:
        await browser.login(user.username, PASSWORD)
    async with make_app(SECRET_KEY=NEW) as app, client_of(app) as client:
        bearer = {"Authorization": f"Bearer {browser.token}"}
        assert (await client.get("/api/v1/user/me/", headers=bearer)).status_code == 200

    old = await user.get("/api/v1/user/me/", headers=bearer)
    assert old.status_code == 401


def test_cached_values_of_the_old_key_are_hits_and_of_others_are_not() -> None:
    stored = Seal([b"old"]).close("key", b"h\n", b"value", 60)

    assert Seal([b"new", b"old"]).open("key", b"h\n", stored) == b"value"
    assert Seal([b"new"]).open("key", b"h\n", stored) is None


def test_several_old_keys_are_read_and_weak_ones_refused() -> None:
    several = Settings({"SECRET_KEY": NEW, "SECRET_KEYS_OLD": f" {SECRET_KEY}, another-old-key "})
    settings = several.group(SecretSettings)

    assert settings.keys == (NEW.encode(), SECRET_KEY.encode(), b"another-old-key")
    assert SECRET_KEY not in repr(settings)
    with pytest.raises(SettingsError, match="SECRET_KEYS_OLD holds a weak key"):
        Settings(
            {"ENVIRONMENT": "production", "SECRET_KEY": NEW, "SECRET_KEYS_OLD": "short"}
        ).check([SecretSettings])


@pytest.mark.parametrize(
    ("command", "values"),
    [
        (["kernel.serve"], {"WEB_CONCURRENCY": "2"}),
        pytest.param(UVICORN, {"WEB_CONCURRENCY": "2"}, marks=BESIDE),
        pytest.param([*UVICORN, "--workers", "2"], {}, marks=BESIDE),
    ],
)
def test_several_processes_without_a_key_refuse_to_start(
    setting_values: dict[str, str], command: list[str], values: dict[str, str]
) -> None:
    given = {**os.environ, **setting_values, **values, "PORT": "0", "DEV_DATA_DIR": "/nonexistent"}
    del given["SECRET_KEY"]
    if command[0] == "uvicorn":
        command = [*command, "--port", "0"]

    process = subprocess.Popen(
        [sys.executable, "-m", *command],
        env=given,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        told = ""
        while "SECRET_KEY is missing" not in told:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line, told
            told += line
        assert "Application startup complete" not in told
    finally:
        os.killpg(process.pid, 9)
        process.wait()
