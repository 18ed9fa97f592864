"""Passkeys: made, shown in place of a code or of the whole login, refused when anything is off."""

import asyncio
from typing import Any

import httpx2
import pytest

from features.second_factor.tests.authenticator import UP, Authenticator
from features.second_factor.tests.factories import add_passkey, ticket_of
from kernel.app import Application
from kernel.config import AppSettings
from tests.accounts import PASSWORD, Person, refusal
from tests.application import ApplicationFactory, client_of

V1 = "/api/v1"
NEW, LOGIN, FACTOR = f"{V1}/second_factor/passkey", f"{V1}/login/passkey", f"{V1}/login/factor"
WRONG = (401, "Wrong code or passkey, or the login took too long.")
BAD = (422, "This passkey can't be added.")


async def begin(client: httpx2.AsyncClient, path: str = LOGIN, **body: Any) -> dict[str, Any]:
    end = "_options" if path == NEW else "/options"
    answer = await client.post(f"{path}{end}", json=body or None)
    assert answer.status_code == 200, answer.text
    options: dict[str, Any] = answer.json()
    return options


async def log_in(client: httpx2.AsyncClient, passkey: dict[str, Any]) -> httpx2.Response:
    answer: httpx2.Response = await client.post(LOGIN, json={"passkey": passkey})
    return answer


async def test_a_passkey_is_asked_for_with_its_user_verified_and_found_without_a_name(
    user: Person,
) -> None:
    options = (await begin(user, NEW))["publicKey"]

    settings = user.app.state.resources.settings.group(AppSettings)
    assert options["rp"] == {"name": settings.app_name, "id": "localhost"}
    assert options["user"]["name"] == "user1"
    assert "@" not in options["user"]["id"]
    assert options["authenticatorSelection"]["userVerification"] == "required"
    assert options["authenticatorSelection"]["residentKey"] == "required"
    assert options["attestation"] == "none"


async def test_a_passkey_alone_is_a_login(app: Application, user: Person) -> None:
    key, added = await add_passkey(user, name="Laptop")
    assert len(added["recovery_codes"]) == 10
    async with client_of(app) as stranger:
        options = await begin(stranger)
        answer = await log_in(stranger, key.sign(options))

        assert options["publicKey"]["userVerification"] == "required"
        assert options["publicKey"]["allowCredentials"] == []
        assert answer.status_code == 200
        bearer = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        shown = (await stranger.get(f"{V1}/second_factor", headers=bearer)).json()
        assert [one["name"] for one in shown["passkeys"]] == ["Laptop"]
        assert shown["passkeys"][0]["last_used_at"] is not None


async def test_a_passkey_finishes_a_login_in_place_of_a_code(user: Person) -> None:
    key, _ = await add_passkey(user)
    ticket = await ticket_of(user, "user1", PASSWORD)

    options = await begin(user, FACTOR, ticket=ticket)
    body = {"ticket": ticket, "passkey": key.sign(options)}
    answers = [await user.post(FACTOR, json=body) for _ in range(2)]

    assert len(options["publicKey"]["allowCredentials"]) == 1
    assert answers[0].status_code == 200
    assert refusal(answers[1]) == WRONG


async def test_an_account_has_several_which_are_removed_one_by_one(user: Person) -> None:
    _, laptop = await add_passkey(user, name="Laptop")
    _, phone = await add_passkey(user, name="Phone")
    known = (await begin(user, NEW))["publicKey"]["excludeCredentials"]

    answers = [await user.delete(f"{NEW}/{one['id']}") for one in (laptop, laptop, phone)]

    assert phone["recovery_codes"] == []
    assert len(known) == 2
    assert [answer.status_code for answer in answers] == [200, 404, 200]
    shown = (await user.get(f"{V1}/second_factor")).json()
    assert (shown["passkeys"], shown["recovery_codes_left"]) == ([], 0)
    assert (await user.login()).status_code == 200


async def test_a_challenge_works_once(app: Application, user: Person) -> None:
    key, _ = await add_passkey(user, Authenticator(counts=False))
    options = await begin(user)

    answers = await asyncio.gather(*[log_in(user, key.sign(options)) for _ in range(4)])

    assert sorted(answer.status_code for answer in answers) == [200, 401, 401, 401]


async def test_a_challenge_is_used_up_by_a_wrong_answer_too(user: Person) -> None:
    key, _ = await add_passkey(user)
    options = await begin(user)

    refused = await log_in(user, key.sign(options, flags=UP))

    assert refusal(refused) == WRONG
    assert refusal(await log_in(user, key.sign(options))) == WRONG


async def test_a_copy_of_a_passkey_is_noticed_by_its_count(user: Person) -> None:
    key, _ = await add_passkey(user)
    copy = Authenticator(credential_id=key.credential_id, key=key.key, handle=key.handle)
    for _ in range(2):
        assert (await log_in(user, key.sign(await begin(user)))).status_code == 200

    assert refusal(await log_in(user, copy.sign(await begin(user)))) == WRONG


async def test_a_count_that_two_show_at_once_is_taken_once(user: Person) -> None:
    key, _ = await add_passkey(user)
    copy = Authenticator(credential_id=key.credential_id, key=key.key, handle=key.handle)
    signed = [one.sign(await begin(user)) for one in (key, copy)]

    answers = await asyncio.gather(*[log_in(user, one) for one in signed])

    assert sorted(answer.status_code for answer in answers) == [200, 401]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, {"origin": "https://evil.example"}),
        ({}, {"origin": "http://localhost"}),
        ({}, {"type": "webauthn.create"}),
        ({}, {"crossOrigin": True}),
        ({}, {"challenge": "AAAA"}),
        ({"rp_id": "evil.example"}, {}),
        ({"credential_id": b"another"}, {}),
        ({"handle": b"1000000"}, {}),
        ({"key": Authenticator().key}, {}),
    ],
)
async def test_what_is_off_by_anything_is_refused_in_the_same_words(
    user: Person, changes: dict[str, Any], said: dict[str, Any]
) -> None:
    key, _ = await add_passkey(user)
    for name, value in changes.items():
        setattr(key, name, value)

    answer = await log_in(user, key.sign(await begin(user), **said))

    assert refusal(answer) == WRONG


@pytest.mark.parametrize("what", ["clientDataJSON", "authenticatorData", "signature", "userHandle"])
@pytest.mark.parametrize("value", ["", "AAAA", "A", "-_-_"])
async def test_bytes_that_mean_nothing_are_refused(user: Person, what: str, value: str) -> None:
    key, _ = await add_passkey(user)
    passkey = key.sign(await begin(user))
    passkey["response"][what] = value

    assert refusal(await log_in(user, passkey)) == WRONG


async def test_a_challenge_of_one_purpose_or_account_is_no_good_for_another(
    user: Person, other: Person
) -> None:
    mine, _ = await add_passkey(user)
    theirs, _ = await add_passkey(other)
    ticket = await ticket_of(user, "user1", PASSWORD)
    for_ticket = await begin(user, FACTOR, ticket=ticket)
    for_step_up = await begin(user, f"{V1}/step-up/factor")
    for_login = await begin(user)

    answers = [
        await log_in(user, mine.sign(for_ticket)),
        await log_in(user, mine.sign(for_step_up)),
        await user.post(FACTOR, json={"ticket": ticket, "passkey": mine.sign(for_login)}),
        await user.post(FACTOR, json={"ticket": ticket, "passkey": theirs.sign(for_ticket)}),
    ]

    assert {refusal(answer) for answer in answers} == {WRONG}


async def test_a_passkey_is_added_once_and_only_for_who_asked(user: Person, other: Person) -> None:
    key = Authenticator()
    options = await begin(user, NEW)
    body = {"name": "Laptop", "credential": key.make(options)}

    foreign = await other.post(NEW, json=body)
    first = await user.post(NEW, json=body)
    again = await user.post(NEW, json=body)
    options = await begin(other, NEW)
    copied = await other.post(NEW, json={"name": "Copy", "credential": key.make(options)})

    assert [one.status_code for one in (foreign, first, again)] == [404, 201, 404]
    assert refusal(copied) == BAD


@pytest.mark.parametrize("changes", [{"origin": "https://evil.example"}, {"rp_id": "evil.example"}])
async def test_a_passkey_made_elsewhere_is_refused(user: Person, changes: dict[str, str]) -> None:
    key = Authenticator(**changes)  # type: ignore[arg-type]
    body = {"name": "Laptop", "credential": key.make(await begin(user, NEW))}

    assert refusal(await user.post(NEW, json=body)) == BAD


async def test_a_passkey_whose_user_was_not_verified_is_refused(user: Person) -> None:
    body = {"name": "x", "credential": Authenticator().make(await begin(user, NEW), flags=UP)}

    assert refusal(await user.post(NEW, json=body)) == BAD


@pytest.mark.parametrize("value", ["", "AAAA", "o2NmbXRkbm9uZQ", "v____w", "gA" * 20_000])
async def test_an_attestation_that_means_nothing_is_refused(user: Person, value: str) -> None:
    credential = Authenticator().make(await begin(user, NEW))
    credential["response"]["attestationObject"] = value

    assert refusal(await user.post(NEW, json={"name": "x", "credential": credential})) == BAD


async def test_there_are_only_so_many(user: Person, make_app: ApplicationFactory) -> None:
    async with make_app(MAX_PASSKEYS="1") as app, client_of(app) as client:
        client.headers["Authorization"] = user.headers["Authorization"]
        await add_passkey(client)
        refused = await client.post(f"{NEW}_options")

    assert refusal(refused) == (409, "The account has as many passkeys as it may have.")


async def test_who_asks_for_challenges_over_and_over_is_stopped(
    make_app: ApplicationFactory,
) -> None:
    async with make_app(LOGIN_FAILURE_LIMIT="2") as app, client_of(app) as client:
        statuses = [(await client.post(f"{LOGIN}/options")).status_code for _ in range(21)]

    assert statuses == [200] * 20 + [429]


async def test_an_origin_of_ones_own_is_believed_and_no_other(
    user: Person, make_app: ApplicationFactory
) -> None:
    values = {"PASSKEY_ORIGIN": "https://app.example.com", "PASSKEY_RP_ID": "example.com"}
    key = Authenticator(origin="https://app.example.com", rp_id="example.com")
    async with make_app(**values) as app, client_of(app) as client:
        client.headers["Authorization"] = user.headers["Authorization"]
        await add_passkey(client, key)
        right = await log_in(client, key.sign(await begin(client)))
        key.origin = "https://other.example.com"
        wrong = await log_in(client, key.sign(await begin(client)))

    assert (right.status_code, wrong.status_code) == (200, 401)


async def test_a_deleted_accounts_passkey_is_dead(user: Person) -> None:
    key, _ = await add_passkey(user)
    options = await begin(user)
    assert (await user.delete(f"{V1}/user/user1")).status_code == 200

    assert refusal(await log_in(user, key.sign(options))) == WRONG
