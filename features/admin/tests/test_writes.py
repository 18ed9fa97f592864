"""What the site writes: in the feature's words, with its events, or not at all."""

import asyncio
from datetime import UTC, datetime

import pytest
from sqlalchemy import update

from features.auth.models import Session
from features.auth.password_rules import OWN_NAME
from features.users.events import UserChanged
from features.users.models import User
from kernel import events
from kernel.db import UnitOfWork
from kernel.resources import Resources
from tests.accounts import PASSWORD, Person, Register
from tests.admin_site import SAME_ORIGIN, Browser, errors, inputs


async def forget_password(resources: Resources) -> None:
    """Let every session's password have been entered long ago."""
    async with resources.unit() as db:
        await db.execute(update(Session).values(password_at=datetime(2020, 1, 1, tzinfo=UTC)))


async def test_a_change_is_seen_by_the_api(site: Browser, user: Person) -> None:
    before = (await user.get("/api/v1/user/me/")).json()

    answer = await site.submit(f"/admin/user/edit/{user.id}", name="Ada King")

    assert answer.headers["location"] == f"/admin/user/details/{user.id}?done=saved"
    after = (await user.get("/api/v1/user/me/")).json()
    assert after == {**before, "name": "Ada King"}


async def test_an_untouched_form_changes_nothing(
    site: Browser, user: Person, resources: Resources
) -> None:
    async with resources.unit() as db:
        before = (await db.get_one(User, user.id)).model_dump()

    answer = await site.submit(f"/admin/user/edit/{user.id}")

    assert answer.headers["location"].endswith("?done=unchanged")
    async with resources.unit() as db:
        assert (await db.get_one(User, user.id)).model_dump() == before


async def test_what_listens_can_undo_the_change(
    site: Browser, user: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(event: UserChanged, unit: UnitOfWork) -> None:
        raise RuntimeError("what follows can't be written")

    monkeypatch.setitem(events.registry(), UserChanged, [refuse])

    answer = await site.submit(f"/admin/user/edit/{user.id}", name="Refused")

    assert answer.status_code == 500
    monkeypatch.undo()
    assert (await user.get("/api/v1/user/me/")).json()["name"] == user.name


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("name", "x", "Value should have at least 2 items"),
        ("name", "", "Value should have at least 2 items"),
        ("name", "x" * 5000, "Value should have at most 30 items"),
        ("name", "a\x00b", "Input holds characters that can't be stored"),
        ("name", "\u200b\u200b\u200b", "must show something, without control or direction"),
        ("username", "No Spaces", "String should match pattern '^[a-z0-9]+$'"),
        ("username", "me", "Username not available"),
        ("username", "super1", "Username not available"),
        ("email", "nothing", "value is not a valid email address"),
        ("email", "SUPER1@example.com", "Email is already registered"),
        ("profile_image_url", "ftp://x/y", "URL scheme should be 'http' or 'https'"),
        ("profile_image_url", "javascript:alert(1)", "URL scheme should be"),
    ],
)
async def test_bad_input_is_told_beside_its_field_and_kept(
    field: str, value: str, words: str, site: Browser, user: Person
) -> None:
    answer = await site.submit(f"/admin/user/edit/{user.id}", **{field: value})

    assert answer.status_code == 422, answer.text
    assert words in errors(answer)[0]
    beside = answer.text.split(f'id="field-{field}-about"')[1].split("</div>")[0]
    assert 'class="error"' in beside
    assert inputs(answer)[field] == value.replace("\x00", "\ufffd").replace("\ufffd", "\x00")
    assert (await user.get("/api/v1/user/me/")).json()["name"] == user.name


@pytest.mark.parametrize(
    "name", ["is_superuser", "hashed_password", "version", "id", "current_password"]
)
async def test_a_column_that_isnt_named_cant_be_written(
    name: str, site: Browser, user: Person, resources: Resources
) -> None:
    async with resources.unit() as db:
        before = (await db.get_one(User, user.id)).model_dump()

    answer = await site.submit(f"/admin/user/edit/{user.id}", **{name: "true"})

    assert answer.headers["location"].endswith("?done=unchanged")
    async with resources.unit() as db:
        assert (await db.get_one(User, user.id)).model_dump() == before


async def test_a_row_that_was_changed_meanwhile_says_so_and_keeps_what_was_typed(
    site: Browser, user: Person
) -> None:
    path = f"/admin/user/edit/{user.id}"
    form = inputs(await site.get(path))
    await user.patch(f"/api/v1/user/{user.username}", json={"name": "By herself"})

    stale = await site.post(path, data={**form, "name": "By admin"}, headers=SAME_ORIGIN)
    again = await site.post(path, data=inputs(stale), headers=SAME_ORIGIN)

    assert stale.status_code == 409
    assert errors(stale) == [
        "This row was changed meanwhile; the form shows it as it is now.",
        "It is now: By herself",
    ]
    assert again.status_code == 303
    assert (await user.get("/api/v1/user/me/")).json()["name"] == "By admin"


async def test_of_two_who_save_at_once_one_is_told(site: Browser, user: Person) -> None:
    path = f"/admin/user/edit/{user.id}"
    form = inputs(await site.get(path))

    answers = await asyncio.gather(
        *[
            site.post(path, data={**form, "name": f"Name {one}"}, headers=SAME_ORIGIN)
            for one in range(4)
        ]
    )

    assert sorted(answer.status_code for answer in answers) == [303, 409, 409, 409]


async def test_an_act_shows_its_rows_before_it_is_done(
    site: Browser, user: Person, other: Person
) -> None:
    form = {"row": [str(user.id), str(other.id)], "_deleted": ""}
    preview = await site.post("/admin/user/act/delete", data=form, headers=SAME_ORIGIN)
    still = await site.get(f"/admin/user/details/{user.id}")
    done = await site.act("user", "delete", user.id, other.id)

    assert preview.status_code == still.status_code == 200
    assert user.username in preview.text
    assert other.username in preview.text
    assert done.status_code == 303
    assert (await user.get("/api/v1/user/me/")).status_code == 401


async def test_an_act_is_done_to_all_rows_or_to_none(
    site: Browser, user: Person, superuser: Person
) -> None:
    answer = await site.act("user", "delete", user.id, superuser.id)

    assert answer.status_code == 409
    assert "super1: The last superuser can't be removed." in errors(answer)[0]
    assert (await user.get("/api/v1/user/me/")).status_code == 200


@pytest.mark.parametrize(
    ("path", "rows", "status"),
    [
        ("/admin/user/act/nothing", ["1"], 404),
        ("/admin/user/act/restore", ["1"], 404),
        ("/admin/user/act/__init__", ["1"], 404),
        ("/admin/user/act/delete", [], 422),
        ("/admin/user/act/delete", ["1"] * 101, 422),
        ("/admin/user/act/delete", ["x"], 404),
        ("/admin/user/act/delete", ["0"], 404),
    ],
)
async def test_bad_acts_are_pages_that_say_so(
    path: str, rows: list[str], status: int, site: Browser
) -> None:
    answer = await site.post(path, data={"row": rows, "_confirmed": "true"}, headers=SAME_ORIGIN)

    assert answer.status_code == status
    assert errors(answer)


async def test_a_deleted_user_is_restored(site: Browser, user: Person) -> None:
    await site.act("user", "delete", user.id)

    answer = await site.act("user", "restore", user.id, deleted=True)

    assert answer.status_code == 303
    assert (await user.login()).status_code == 200


async def test_a_user_whose_name_was_taken_isnt_restored(
    site: Browser, user: Person, register: Register
) -> None:
    await site.act("user", "delete", user.id)
    await register(user.username)

    answer = await site.act("user", "restore", user.id, deleted=True)

    assert answer.status_code == 409
    assert errors(answer)[0].startswith("user1: ")


async def test_dangerous_acts_ask_for_the_password_again_and_go_on(
    site: Browser, user: Person, resources: Resources
) -> None:
    await forget_password(resources)

    asked = await site.act("user", "grant", user.id)
    path = "/admin/user/act/grant"
    wrong = {**inputs(asked), "_password": "wrong password"}
    refused = await site.post(path, data=wrong, headers=SAME_ORIGIN)
    right = {**inputs(refused), "_password": PASSWORD}
    done = await site.post(path, data=right, headers=SAME_ORIGIN)

    assert (asked.status_code, errors(asked)) == (
        403,
        ["This needs your password: enter it again."],
    )
    assert (refused.status_code, errors(refused)) == (422, ["Wrong current password."])
    assert done.status_code == 303
    assert (await user.get("/api/v1/users?sort=email")).status_code == 200


async def test_what_cant_be_undone_asks_for_the_password_too(
    site: Browser, user: Person, resources: Resources
) -> None:
    new = "another horse battery"
    form = f"/admin/user/edit/{user.id}"
    await forget_password(resources)

    asked = await site.submit(form, password=new)
    right = {**inputs(asked), "_password": PASSWORD}
    set_anew = await site.post(form, data=right, headers=SAME_ORIGIN)
    ended = await user.get("/api/v1/user/me/")
    old, entered = await user.login(), await user.login(password=new)
    await site.act("user", "delete", user.id)
    await forget_password(resources)
    refused = await site.act("user", "remove", user.id, deleted=True)
    path = "/admin/user/act/remove"
    removed = await site.post(
        path, data={**inputs(refused), "_password": PASSWORD}, headers=SAME_ORIGIN
    )

    assert [asked.status_code, set_anew.status_code, ended.status_code] == [403, 303, 401]
    assert [old.status_code, entered.status_code] == [401, 200]
    assert [refused.status_code, removed.status_code] == [403, 303]
    async with resources.unit() as db:
        assert await db.get(User, user.id) is None


async def test_a_new_address_asks_for_the_password_and_goes_on(
    site: Browser, user: Person, resources: Resources
) -> None:
    form = f"/admin/user/edit/{user.id}"
    await forget_password(resources)

    asked = await site.submit(form, email="new@example.com")
    right = {**inputs(asked), "_password": PASSWORD}
    done = await site.post(form, data=right, headers=SAME_ORIGIN)

    assert [asked.status_code, done.status_code] == [403, 303]
    assert (await user.get("/api/v1/user/me/")).json()["email"] == "new@example.com"


async def test_a_new_password_is_judged_as_the_api_does(site: Browser, user: Person) -> None:
    for password, words in (
        ("short", "must be at least 8 characters"),
        (f"{user.username}@example.com", OWN_NAME),
    ):
        answer = await site.submit(f"/admin/user/edit/{user.id}", password=password)

        assert answer.status_code == 422
        assert words in errors(answer)[0]
    assert (await user.login()).status_code == 200


async def test_a_live_row_isnt_removed_for_good(site: Browser, user: Person) -> None:
    answer = await site.act("user", "remove", user.id)

    assert answer.status_code == 404
    assert (await user.get("/api/v1/user/me/")).status_code == 200


async def test_a_session_that_ends_in_mid_edit_loses_no_text(
    site: Browser, user: Person, superuser: Person
) -> None:
    path = f"/admin/user/edit/{user.id}"
    form = {**inputs(await site.get(path)), "name": "Typed for long"}
    await superuser.post("/api/v1/logout/all", params={"keep_current": True})

    ended = await site.post(path, data=form, headers=SAME_ORIGIN)
    credentials = {"_username": superuser.username, "_password": PASSWORD}
    done = await site.post(path, data={**inputs(ended), **credentials}, headers=SAME_ORIGIN)

    assert ended.status_code == 401
    assert "what you have typed is still here" in errors(ended)[0]
    assert inputs(ended)["name"] == "Typed for long"
    assert done.status_code == 303
    assert (await user.get("/api/v1/user/me/")).json()["name"] == "Typed for long"
    assert (await site.get("/admin/")).status_code == 200


async def test_a_session_is_ended_from_its_list(site: Browser, user: Person) -> None:
    listed = (await user.get("/api/v1/sessions")).json()["data"]

    answer = await site.act("session", "end", listed[0]["id"])

    assert answer.status_code == 303
    assert (await user.get("/api/v1/user/me/")).status_code == 401
