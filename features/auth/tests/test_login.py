"""Login: names, passwords, the cookie, and what a guesser learns."""

import asyncio
import time

import httpx2
import pytest

from features.auth.passwords import hash_password, verify_password
from features.auth.tests.held_checks import HeldChecks
from features.users.crud import account_by_username, change_user
from kernel.resources import Resources
from tests.accounts import PASSWORD, Person, Register, refusal
from tests.application import ApplicationFactory, client_of

WRONG = (401, "Wrong username, email or password.")


async def login(client: httpx2.AsyncClient, name: str, password: str) -> httpx2.Response:
    return await client.post("/api/v1/login", data={"username": name, "password": password})


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("user1", "wrong"),
        ("user1", PASSWORD.upper()),
        ("user1", PASSWORD + "\x00"),
        ("user1", "p" * 73),
        ("user1", "ü" * 1000),
        ("unknown", PASSWORD),
        ("unknown@example.com", PASSWORD),
        ("user1\x00", PASSWORD),
        ("@", PASSWORD),
        ("n" * 5000, PASSWORD),
    ],
)
async def test_a_wrong_login_doesnt_say_what_is_wrong(
    user: Person, client: httpx2.AsyncClient, name: str, password: str
) -> None:
    answer = await login(client, name, password)

    assert refusal(answer) == WRONG
    assert answer.headers["www-authenticate"] == "Bearer"
    assert "set-cookie" not in answer.headers


async def test_a_login_without_its_fields_is_invalid(client: httpx2.AsyncClient) -> None:
    assert (await client.post("/api/v1/login", data={"username": "ada"})).status_code == 422
    assert (await client.post("/api/v1/login", json={"username": "a"})).status_code == 422


async def test_a_user_logs_in_by_username_and_by_email_in_any_case(
    user: Person, client: httpx2.AsyncClient
) -> None:
    for name in (user.username, user.email, user.email.upper()):
        answer = await login(client, name, user.password)

        assert answer.status_code == 200
        assert answer.json()["token_type"] == "bearer"
        assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("email", "typed"),
    [
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),
        ("ada@xn--bcher-kva.example", "ADA@BÜCHER.example"),
        ("jos\u00e9@example.com", "jose\u0301@example.com"),
        ("jose\u0301@example.com", " JOS\u00c9@example.com\t"),
    ],
)
async def test_a_name_is_normalised_as_at_registration(
    register: Register, client: httpx2.AsyncClient, email: str, typed: str
) -> None:
    await register("ada", email=email)

    for name in (email, typed, " Ada", "ADA "):
        assert (await login(client, name, PASSWORD)).status_code == 200, name


async def test_the_refresh_token_comes_in_a_guarded_cookie_only(
    user: Person, client: httpx2.AsyncClient
) -> None:
    answer = await login(client, user.username, user.password)

    name, _, rest = answer.headers.get_list("set-cookie")[0].partition("=")
    token, *attributes = [part.strip() for part in rest.split(";")]
    assert name == "refresh_token"
    assert set(attributes) == {
        "HttpOnly",
        "Max-Age=604800",
        "Path=/",
        "SameSite=lax",
        "Secure",
    }
    assert token not in answer.text


async def test_no_two_logins_get_the_same_tokens(user: Person, client: httpx2.AsyncClient) -> None:
    answers = await asyncio.gather(*[login(client, user.username, user.password) for _ in range(5)])

    assert len({answer.json()["access_token"] for answer in answers}) == 5
    assert len({answer.headers["set-cookie"] for answer in answers}) == 5


async def test_the_name_of_another_as_email_opens_nothing(
    register: Register, client: httpx2.AsyncClient
) -> None:
    await register("victim")
    await register("attacker", email="victim@attacker.example", password="attackers password")

    by_name = await login(client, "victim", "attackers password")
    by_email = await login(client, "victim@attacker.example", "attackers password")

    assert refusal(by_name) == WRONG
    assert by_email.status_code == 200


@pytest.mark.parametrize("work", ["check", "hash"])
async def test_the_event_loop_runs_on_while_bcrypt_works(
    make_app: ApplicationFactory, work: str
) -> None:
    async with make_app(PASSWORD_HASH_COST="8") as app, app.state.resources.unit() as db:
        checking = work == "check"
        busy: asyncio.Future[object] = asyncio.ensure_future(
            verify_password(db, PASSWORD, None, "192.0.2.1", "ada")
            if checking
            else hash_password(db, PASSWORD)
        )
        turns = 0
        while not busy.done():
            await asyncio.sleep(0)
            turns += 1
        await busy

    assert turns > 5


async def test_a_hash_is_renewed_when_the_cost_rises(
    user: Person, resources: Resources, make_app: ApplicationFactory
) -> None:
    async with make_app(PASSWORD_HASH_COST="5") as app, client_of(app) as client:
        answers = await asyncio.gather(
            *[login(client, user.username, user.password) for _ in range(5)]
        )

    async with resources.unit() as db:
        account = await account_by_username.one(db, username=user.username)
    assert account is not None
    assert account.hashed_password is not None
    assert account.hashed_password.startswith("$2b$05$")
    assert {answer.status_code for answer in answers} == {200}
    assert (await user.login()).status_code == 200
    assert (await user.get("/api/v1/user/me/")).status_code == 200


async def test_a_password_changed_during_the_check_opens_no_session(
    register: Register, resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    await register("donor", password="another password")
    slow = await register("slow")
    checks = HeldChecks(monkeypatch)
    attempt = asyncio.create_task(slow.login())
    await checks.begun()
    async with resources.unit() as db:
        donor = await account_by_username.one(db, username="donor")
        assert donor is not None
        await change_user(db, slow.id, {"hashed_password": donor.hashed_password})

    checks.may_end.set()

    assert refusal(await attempt) == WRONG


async def test_an_unknown_user_costs_what_a_wrong_password_costs(
    make_app: ApplicationFactory,
) -> None:
    values = {"PASSWORD_HASH_COST": "8", "LOGIN_FAILURE_LIMIT": "100"}
    times: dict[str, list[float]] = {"known": [], "unknown": []}
    async with make_app(**values) as app, client_of(app, Person) as client:
        await client.register("known")
        for _ in range(12):
            for name, taken in times.items():
                started = time.perf_counter()
                assert (await login(client, name, "wrong")).status_code == 401
                taken.append(time.perf_counter() - started)

    # Whatever slows the machine slows some calls: the fastest ones say what the work costs.
    known, unknown = (min(taken) for taken in times.values())
    assert 0.5 < unknown / known < 2


async def test_reads_dont_wait_for_logins_and_no_connection_is_held(
    user: Person, make_app: ApplicationFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    checks = HeldChecks(monkeypatch)
    async with make_app(DATABASE_POOL_SIZE="1") as app, client_of(app) as client:
        names = ("unknown1", "unknown2", "unknown3")
        logins = [asyncio.create_task(login(client, name, "wrong")) for name in names]
        await checks.begun()

        reads = [await client.get(f"/api/v1/user/{user.username}") for _ in range(3)]

        finished = [task for task in logins if task.done()]
        checks.may_end.set()
        await asyncio.gather(*logins)
    assert {read.status_code for read in reads} == {200}
    assert not finished
