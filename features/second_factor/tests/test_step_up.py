"""Where an account has a factor, a step-up takes it; factors are changed only after one."""

from typing import Any

import httpx2
import pytest
from sqlalchemy import select
from sqlmodel import col

from features.auth.tests.test_step_up import let_pass
from features.second_factor.models import Passkey, RecoveryCode, Totp
from features.second_factor.tests.factories import (
    add_passkey,
    forget_steps,
    set_up_app,
    ticket_of,
)
from features.users.crud import change_user
from kernel.app import Application
from kernel.resources import Resources
from tests.accounts import PASSWORD, Person, refusal
from tests.application import SECRET_KEY, ApplicationFactory, client_of

V1 = "/api/v1"
STEP_UP, BY_FACTOR = f"{V1}/step-up", f"{V1}/step-up/factor"
NEEDS, MORE = "urn:problem-type:step-up-required", "urn:problem-type:further-step-required"
WRONG = (422, "Wrong code, or one that was used before.")
CHANGES = [
    ("POST", "/second_factor/totp"),
    ("POST", "/second_factor/totp/confirm"),
    ("DELETE", "/second_factor/totp"),
    ("POST", "/second_factor/passkey_options"),
    ("DELETE", "/second_factor/passkey/1"),
    ("POST", "/second_factor/recovery_codes"),
]


def kind(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"]


async def test_factors_are_added_and_removed_only_after_a_step_up(
    user: Person, resources: Resources
) -> None:
    await let_pass(resources, 11)

    answers = [
        await user.request(method, f"{V1}{path}", json={"code": "123456"})
        if path.endswith("confirm")
        else await user.request(method, f"{V1}{path}")
        for method, path in CHANGES
    ]

    assert {kind(answer) for answer in answers} == {(403, NEEDS)}


async def test_a_password_is_not_enough_and_a_code_is(
    app: Application, user: Person, resources: Resources
) -> None:
    phone, _ = await set_up_app(user)
    await let_pass(resources, 11)
    path = f"{V1}/user/user1"

    by_password = await user.post(STEP_UP, json={"password": PASSWORD})
    still = await user.patch(path, json={"email": "new@example.com"})
    wrong = await user.post(BY_FACTOR, json={"code": "000000"})
    code = phone.code()
    by_code = await user.post(BY_FACTOR, json={"code": code})
    again = await user.post(BY_FACTOR, json={"code": code})
    done = await user.patch(path, json={"email": "new@example.com"})

    assert (kind(by_password), kind(still)) == ((403, MORE), (403, NEEDS))
    assert (refusal(wrong), refusal(again)) == (WRONG, WRONG)
    assert by_code.json() == {"message": "Second factor confirmed"}
    assert done.status_code == 200


async def test_a_passkey_and_a_recovery_code_are_step_ups_too(
    user: Person, resources: Resources
) -> None:
    key, added = await add_passkey(user)
    for proof in ("passkey", "code"):
        await let_pass(resources, 11)
        body: dict[str, Any] = {"code": added["recovery_codes"][0]}
        if proof == "passkey":
            options = (await user.post(f"{BY_FACTOR}/options")).json()
            body = {"passkey": key.sign(options)}
        assert (await user.post(BY_FACTOR, json=body)).status_code == 200
        assert refusal(await user.post(BY_FACTOR, json=body)) == WRONG
        assert (await user.post(f"{V1}/second_factor/totp")).status_code == 201


async def test_the_current_password_alone_changes_nothing_of_an_account_with_a_factor(
    app: Application, user: Person, resources: Resources
) -> None:
    phone, _ = await set_up_app(user)
    await let_pass(resources, 11)
    values = {"password": "an unguessed pass phrase", "current_password": PASSWORD}

    refused = await user.patch(f"{V1}/user/user1", json=values)
    await user.post(BY_FACTOR, json={"code": phone.code()})
    wrong = await user.patch(f"{V1}/user/user1", json={**values, "current_password": "wrong"})
    done = await user.patch(f"{V1}/user/user1", json=values)

    assert kind(refused) == (403, NEEDS)
    assert refusal(wrong) == (422, "Wrong current password.")
    assert done.status_code == 200


async def test_an_account_without_a_password_steps_up_by_a_factor_and_then_sets_one(
    user: Person, resources: Resources
) -> None:
    phone, _ = await set_up_app(user)
    async with resources.unit() as db:
        await change_user(db, user.id, {"hashed_password": None})
    await let_pass(resources, 11)
    values = {"password": "an unguessed pass phrase"}

    before = await user.patch(f"{V1}/user/user1", json=values)
    await user.post(BY_FACTOR, json={"code": phone.code()})
    after = await user.patch(f"{V1}/user/user1", json=values)

    assert kind(before) == (403, NEEDS)
    assert after.status_code == 200
    assert len(await ticket_of(user, "user1", "an unguessed pass phrase")) == 43


async def test_wrong_codes_at_step_ups_are_bounded(user: Person) -> None:
    await set_up_app(user)

    statuses = [
        (await user.post(BY_FACTOR, json={"code": "000000"})).status_code for _ in range(11)
    ]

    assert statuses == [422] * 10 + [429]


async def test_an_api_key_never_passes(app: Application, user: Person) -> None:
    keys = pytest.importorskip("features.api_keys.tests.factories")
    phone, _ = await set_up_app(user)
    made = await keys.make_key(user, "*", "*:read")
    async with keys.program(app, made["key"]) as client:
        answers = [
            await client.post(BY_FACTOR, json={"code": phone.code()}),
            await client.post(f"{BY_FACTOR}/options"),
            await client.get(f"{V1}/second_factor"),
            await client.delete(f"{V1}/second_factor/totp"),
        ]

    assert {answer.status_code for answer in answers} == {403}


async def test_new_recovery_codes_take_the_place_of_the_earlier_ones(user: Person) -> None:
    _, old = await set_up_app(user)

    new = (await user.post(f"{V1}/second_factor/recovery_codes")).json()["recovery_codes"]

    assert len(set(new) | set(old)) == 20
    assert refusal(await user.post(BY_FACTOR, json={"code": old[0]})) == WRONG
    assert (await user.post(BY_FACTOR, json={"code": new[0]})).status_code == 200


async def test_a_second_app_is_refused_and_an_unfinished_one_replaced(user: Person) -> None:
    first = (await user.post(f"{V1}/second_factor/totp")).json()
    await set_up_app(user)

    again = await user.post(f"{V1}/second_factor/totp")

    assert first["secret"] not in (await user.get(f"{V1}/second_factor")).text
    assert refusal(again) == (409, "An authenticator app is set up already; remove it first.")


async def test_an_app_counts_only_once_a_code_of_it_was_right(user: Person) -> None:
    await user.post(f"{V1}/second_factor/totp")

    wrong = await user.post(f"{V1}/second_factor/totp/confirm", json={"code": "000000"})

    assert refusal(wrong) == WRONG
    assert (await user.login()).status_code == 200


async def test_what_is_removed_leaves_the_audit_log_and_nothing_else(
    user: Person, resources: Resources
) -> None:
    audit = pytest.importorskip("features.audit.models")
    await set_up_app(user)

    removed = await user.delete(f"{V1}/second_factor/totp")

    assert removed.json() == {"message": "Authenticator app removed"}
    async with resources.unit() as db:
        for table in (Totp, Passkey, RecoveryCode):
            assert (await db.execute(select(table))).all() == []
        entries = (await db.execute(select(audit.AuditEntry))).scalars().all()
        noted = {(entry.subject, entry.act, entry.actor_id) for entry in entries}
        assert noted == {("totp", "delete", user.id), ("recovery_code", "delete", user.id)}
        assert all(
            entry.changes.get(name) is None
            for entry in entries
            for name in ("secret", "code_hash", "last_step")
        )


async def test_a_superuser_resets_the_factors_of_who_has_lost_them(
    user: Person, superuser: Person, other: Person
) -> None:
    await set_up_app(user)
    await add_passkey(user)
    path = f"{V1}/user/user1/second_factor"

    by_other = await other.delete(path)
    done = await superuser.delete(path)
    again = await superuser.delete(path)

    assert by_other.status_code == 403
    assert done.json() == {"message": "Second factors removed"}
    assert refusal(again) == (404, "The account has no second factor.")
    assert (await user.get(f"{V1}/user/me/")).status_code == 401, "its sessions have ended"
    assert (await user.login()).status_code == 200


async def test_the_audit_log_says_who_has_reset_which_factors(
    user: Person, superuser: Person, resources: Resources
) -> None:
    entry = pytest.importorskip("features.audit.models").AuditEntry
    await set_up_app(user)
    await add_passkey(user)

    await superuser.delete(f"{V1}/user/user1/second_factor")

    async with resources.unit() as db:
        found = await db.execute(
            select(col(entry.subject)).where(col(entry.actor_id) == superuser.id)
        )
        assert {"totp", "passkey", "recovery_code"} <= set(found.scalars())


async def test_a_reset_needs_a_step_up(
    user: Person, superuser: Person, resources: Resources
) -> None:
    await set_up_app(user)
    await let_pass(resources, 11)

    assert kind(await superuser.delete(f"{V1}/user/user1/second_factor")) == (403, NEEDS)


@pytest.mark.parametrize("body", [{}, {"code": "123456", "passkey": {}}, {"code": 123456}])
async def test_what_is_no_proof_is_invalid(user: Person, body: dict[str, Any]) -> None:
    assert (await user.post(BY_FACTOR, json=body)).status_code == 422


async def test_codes_of_an_earlier_secret_key_still_work(
    app: Application, user: Person, make_app: ApplicationFactory
) -> None:
    phone, codes = await set_up_app(user)
    await forget_steps(app)
    rotated = {"SECRET_KEY": "0123456789abcdef" * 4, "SECRET_KEYS_OLD": SECRET_KEY}
    bearer = {"Authorization": user.headers["Authorization"]}
    async with make_app(**rotated) as later, client_of(later) as client:
        by_code = await client.post(BY_FACTOR, json={"code": phone.code()}, headers=bearer)
        by_recovery = await client.post(BY_FACTOR, json={"code": codes[0]}, headers=bearer)
        await forget_steps(app)
    async with make_app(SECRET_KEY=rotated["SECRET_KEY"]) as last, client_of(last) as client:
        ticket = await ticket_of(client, "user1", PASSWORD)
        body = {"ticket": ticket, "code": phone.code()}
        sealed_anew = await client.post(f"{V1}/login/factor", json=body)

    assert [by_code.status_code, by_recovery.status_code] == [200, 200]
    assert sealed_anew.status_code == 200
