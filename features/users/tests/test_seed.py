"""The first superuser, and the settings it is made from."""

from typing import Any

import pytest

from features.users.crud import change_user, crud_users
from features.users.seed import seed
from features.users.settings import WELL_KNOWN, AdminSettings
from infra.local.revisions import OTHER_SUPERUSER
from kernel.config.loader import Settings, SettingsError
from kernel.resources import Resources
from tests.accounts import Person, Register
from tests.application import ApplicationFactory, client_of

PASSWORD = "an admins own password"


async def sow(resources: Resources) -> None:
    async with resources.unit() as db:
        await seed(db)


async def superusers(resources: Resources) -> list[str]:
    async with resources.unit() as db:
        found = await crud_users.get_multi(db, is_superuser=True, limit=10)
    rows: list[dict[str, Any]] = found["data"]
    return [row["username"] for row in rows]


async def test_the_seed_makes_one_superuser_who_can_log_in(make_app: ApplicationFactory) -> None:
    async with make_app(ADMIN_PASSWORD=PASSWORD) as app, client_of(app, Person) as admin:
        for _ in range(2):
            await sow(app.state.resources)

        answer = await admin.login("admin", PASSWORD)

        assert answer.status_code == 200
        assert await superusers(app.state.resources) == ["admin"]


@pytest.mark.parametrize(
    ("later", "told"),
    [
        ({"ADMIN_PASSWORD": PASSWORD}, False),
        ({"ADMIN_PASSWORD": "made up by another checkout"}, True),
        ({"ADMIN_PASSWORD": PASSWORD, "ADMIN_USERNAME": "ada"}, True),
        ({"ADMIN_PASSWORD": "of another one", "ENVIRONMENT": "staging"}, False),
    ],
)
async def test_in_local_the_seed_tells_of_a_superuser_with_another_password(
    make_app: ApplicationFactory,
    capsys: pytest.CaptureFixture[str],
    later: dict[str, str],
    told: bool,
) -> None:
    async with make_app(ADMIN_PASSWORD=PASSWORD) as app:
        await sow(app.state.resources)
    capsys.readouterr()

    async with make_app(**later) as app:
        await sow(app.state.resources)

    assert (OTHER_SUPERUSER in capsys.readouterr().err) is told


async def test_the_seed_leaves_what_an_administrator_changed(
    register: Register, make_app: ApplicationFactory
) -> None:
    other = await register("other1")
    async with make_app(ADMIN_PASSWORD=PASSWORD) as app, client_of(app, Person) as admin:
        resources: Resources = app.state.resources
        await sow(resources)
        await admin.login("admin", PASSWORD)
        await admin.patch("/api/v1/user/other1/role", json={"is_superuser": True})
        await admin.delete("/api/v1/user/admin")

        await sow(resources)

        async with resources.unit() as db:
            assert await crud_users.count(db, username="admin", is_deleted=False) == 0
            assert await crud_users.count(db, id=other.id, is_superuser=True) == 1


async def test_the_seed_takes_over_no_account(
    register: Register, make_app: ApplicationFactory
) -> None:
    await register("admin")

    async with make_app(ADMIN_PASSWORD=PASSWORD) as app:
        with pytest.raises(SettingsError, match="belongs to an account that is no superuser"):
            await sow(app.state.resources)

        assert await superusers(app.state.resources) == []


async def test_the_seed_says_which_setting_it_lacks(resources: Resources) -> None:
    with pytest.raises(SettingsError, match="ADMIN_PASSWORD is missing"):
        await sow(resources)


async def test_names_that_no_account_can_have_stop_the_seed_but_no_local_start(
    make_app: ApplicationFactory,
) -> None:
    # The placeholders of SQLModel-boilerplate's README.
    names = {"ADMIN_EMAIL": "your_email", "ADMIN_USERNAME": "your_username"}

    async with make_app(**names, ADMIN_PASSWORD="your_password") as app:
        Settings(names).check([AdminSettings])

        with pytest.raises(SettingsError, match=r"ADMIN_EMAIL: .*@.*; ADMIN_USERNAME: "):
            await sow(app.state.resources)
        assert await superusers(app.state.resources) == []
    with pytest.raises(SettingsError, match="ADMIN_USERNAME"):
        Settings({**names, "ENVIRONMENT": "staging"}).check([AdminSettings])


async def test_where_there_is_a_superuser_the_seed_needs_no_password(
    user: Person, resources: Resources
) -> None:
    async with resources.unit() as db:
        await change_user(db, user.id, {"is_superuser": True})

    await sow(resources)

    assert await superusers(resources) == [user.username]


@pytest.mark.parametrize("password", [WELL_KNOWN, "short", "password12345", "aaaaaaaaaaaaaaaa"])
def test_a_weak_password_is_refused_outside_local(password: str) -> None:
    values = {"ADMIN_PASSWORD": password}
    Settings(values).check([AdminSettings])

    with pytest.raises(SettingsError, match="ADMIN_PASSWORD is a default or weak"):
        Settings({**values, "ENVIRONMENT": "production"}).check([AdminSettings])


@pytest.mark.parametrize("password", ["ü" * 37, "with a \x00 in it"])
def test_a_password_that_bcrypt_cant_hold_is_refused_everywhere(password: str) -> None:
    with pytest.raises(SettingsError, match="ADMIN_PASSWORD must be at most 72 bytes"):
        Settings({"ADMIN_PASSWORD": password}).check([AdminSettings])


def test_production_starts_without_the_admins_password() -> None:
    Settings({"ENVIRONMENT": "production"}).check([AdminSettings])
