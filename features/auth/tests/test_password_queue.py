"""Who waits for bcrypt: bounds for each account and address, and addresses served in turn."""

import asyncio
import threading

import httpx2
import pytest

from features.auth import password_queue
from features.auth.password_queue import PasswordQueue
from features.auth.tests.held_checks import HeldChecks
from kernel.app import Application
from kernel.errors import RateLimitException, ServiceUnavailableException
from tests.accounts import PASSWORD, Register
from tests.application import client_of


class Bench:
    """A queue with one thread, whose work goes on until it is told to end."""

    def __init__(self) -> None:
        self.queue = PasswordQueue(threads=1)
        self.begun: list[str] = []
        self.gate = threading.Semaphore(0)

    def begin(self, name: str, address: str = "", account: str = "") -> "asyncio.Task[str]":
        def work() -> str:
            self.begun.append(name)
            self.gate.acquire(timeout=10)
            return name

        async def check() -> str:
            async with self.queue.place(address or name, account):
                return await self.queue.run(work, address or name)

        return asyncio.create_task(check())

    async def end_one(self) -> None:
        self.gate.release()
        await asyncio.sleep(0.05)


@pytest.fixture
def bench() -> Bench:
    return Bench()


async def begun(bench: Bench, *addresses: str) -> "list[asyncio.Task[str]]":
    tasks = []
    for number, address in enumerate(addresses):
        tasks.append(bench.begin(f"{address}{number}", address))
        await asyncio.sleep(0.01)
    return tasks


async def test_addresses_are_served_in_turn_the_quiet_one_first(bench: Bench) -> None:
    tasks = await begun(bench, *"aaabb", "c")
    for _ in tasks:
        await bench.end_one()

    assert bench.begun == ["a0", "b3", "c5", "a1", "b4", "a2"]
    assert [await task for task in tasks] == ["a0", "a1", "a2", "b3", "b4", "c5"]


async def test_a_stranger_waits_for_one_check_however_many_wait(bench: Bench) -> None:
    tasks = await begun(bench, *"abcabcabc")
    for _ in range(3):
        await bench.end_one()
    tasks += await begun(bench, "stranger")
    for _ in tasks:
        await bench.end_one()

    assert bench.begun.index("stranger0") == 4
    await asyncio.gather(*tasks)


async def test_an_account_has_five_places_and_an_address_twenty(bench: Bench) -> None:
    of_account = [bench.begin("x", f"10.0.0.{n}", "ada") for n in range(6)]
    of_address = [bench.begin("x", "10.0.1.1", f"user{n}") for n in range(21)]
    await asyncio.sleep(0.05)
    assert not [task for task in (*of_account, *of_address) if task.done()]
    await asyncio.sleep(2 * password_queue.RETRY_AFTER)

    refused = [task.exception() for task in (*of_account, *of_address) if task.done()]
    bench.gate.release(100)
    results = await asyncio.gather(*of_account, *of_address, return_exceptions=True)

    assert [type(error) for error in refused] == [RateLimitException] * 2
    assert [getattr(error, "headers", None) for error in refused] == [{"Retry-After": "1"}] * 2
    assert results.count("x") == 25
    assert await bench.begin("x", "10.0.1.1", "ada") == "x"


async def test_what_waits_too_long_is_dropped(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(password_queue, "MAX_WAIT", 0.1)
    first, second = await begun(bench, "a", "b")

    with pytest.raises(ServiceUnavailableException):
        await second
    bench.gate.release(100)

    assert await first == "a0"
    assert bench.begun == ["a0"]
    assert await bench.begin("later") == "later"


async def test_a_check_whose_callers_are_gone_is_never_begun(bench: Bench) -> None:
    tasks = await begun(bench, *"abbbc")
    for task in tasks[:4]:
        task.cancel()
    await asyncio.gather(*tasks[:4], return_exceptions=True)
    bench.gate.release(100)

    assert await tasks[4] == "c4"
    assert bench.begun == ["a0", "c4"]
    await asyncio.sleep(password_queue.RETRY_AFTER)
    results = [await bench.begin("x", "b", "ada") for _ in range(25)]
    assert results == ["x"] * 25


async def test_who_hangs_up_gets_the_place_back_after_a_second(bench: Bench) -> None:
    tasks = [bench.begin("x", "10.0.0.1", f"user{n}") for n in range(20)]
    await asyncio.sleep(0.01)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    bench.gate.release(100)

    with pytest.raises(RateLimitException):
        await bench.begin("at once", "10.0.0.1", "ada")
    assert await bench.begin("from elsewhere", "10.0.0.2", "ada") == "from elsewhere"
    assert await bench.begin("later", "10.0.0.1", "ada") == "later"


async def test_random_cancellations_leave_every_place_free(bench: Bench) -> None:
    queue = PasswordQueue(threads=2)

    async def one(number: int) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(number % 7 / 1000):
                async with queue.place(f"{number % 5}"):
                    await queue.run(lambda: threading.Event().wait(0.002), f"{number % 5}")
                raise TimeoutError

    for _ in range(20):
        await asyncio.gather(*[one(number) for number in range(60)])
    await asyncio.sleep(2 * password_queue.RETRY_AFTER)

    assert await asyncio.gather(*[queue.run(lambda: 1, "a") for _ in range(20)]) == [1] * 20
    assert queue._free == 2
    assert not queue._waiting
    assert not queue._taken


async def login(app: Application, address: str, name: str, password: str) -> httpx2.Response:
    async with client_of(app, address=address) as client:
        form = {"username": name, "password": password}
        answer: httpx2.Response = await client.post("/api/v1/login", data=form)
        return answer


@pytest.mark.parametrize("name", ["slow1", "unknown"])
async def test_of_many_logins_at_once_to_one_account_five_are_checked(
    app: Application, register: Register, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    await register("slow1")
    checks = HeldChecks(monkeypatch)
    attempts = [
        asyncio.create_task(login(app, f"203.0.113.{number}", name, "wrong"))
        for number in range(12)
    ]
    while sum(attempt.done() for attempt in attempts) < 7:  # noqa: ASYNC110 - any seven
        await asyncio.sleep(0.02)
    checks.may_end.set()
    answers = await asyncio.gather(*attempts)
    assert (await login(app, "203.0.113.99", "slow1", PASSWORD)).status_code == 200

    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [401] * 5 + [429] * 7
    assert {a.headers["retry-after"] for a in answers if a.status_code == 429} == {"1"}
