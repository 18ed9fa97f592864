"""Every write spends its account's budget; reads and other accounts don't."""

import time

import pytest
from sqlalchemy import func, select

from features.auth.models import TokenBlacklist
from kernel.config.groups import LimitSettings
from kernel.rate_limit import write_budget
from kernel.rate_limit.write_budget import WriteBudget
from tests.accounts import Person, refusal
from tests.application import ApplicationFactory, client_of

LIMITED = (429, "Rate limit exceeded.")


def test_a_budget_is_whole_again_when_its_period_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    budget = WriteBudget(LimitSettings(write_limit=3, write_period=60))

    assert [budget.spend(1) for _ in range(3)] == [0, 0, 0]
    now += 20
    assert budget.spend(1) == 40
    assert budget.spend(2) == 0
    now += 40
    assert budget.spend(1) == 0


def test_what_it_remembers_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write_budget, "MAX_ACCOUNTS", 100)
    budget = WriteBudget(LimitSettings())

    for user_id in range(1000):
        budget.spend(user_id)

    assert len(budget._used) <= 100


async def test_writes_above_the_budget_are_refused_and_write_nothing(
    make_app: ApplicationFactory,
) -> None:
    values = {"WRITE_LIMIT": "5", "WRITE_PERIOD": "60"}
    async with (
        make_app(**values) as app,
        client_of(app, Person) as user,
        client_of(app, Person) as other,
    ):
        for person, name in ((user, "user1"), (other, "other1")):
            await person.register(name)
            await person.login()
        path = "/api/v1/user/user1"
        names = [{"name": f"Name {number}"} for number in range(4)]
        answers = [await user.patch(path, json=name) for name in names]
        answers.append(await user.refresh())
        over = [
            await user.patch(path, json={"name": "Changed"}),
            await user.delete(path),
            await user.post("/api/v1/logout/all"),
            await user.post("/api/v1/refresh"),
        ]
        read = await user.get(path)
        others = await other.patch("/api/v1/user/other1", json={"name": "Changed"})
        async with app.state.resources.unit() as db:
            used = await db.scalar(select(func.count()).select_from(TokenBlacklist))

    assert [answer.status_code for answer in answers] == [200] * 5
    assert [refusal(answer) for answer in over] == [LIMITED] * 4
    assert all(0 < int(answer.headers["retry-after"]) <= 60 for answer in over)
    assert read.json()["name"] == "Name 3"
    assert others.status_code == 200
    assert used == 1


async def test_a_refused_write_is_refused_before_its_body_is_judged(
    make_app: ApplicationFactory,
) -> None:
    async with make_app(WRITE_LIMIT="1") as app, client_of(app, Person) as user:
        await user.register("user1")
        await user.login()
        wrong = {"name": ""}
        answers = [await user.patch("/api/v1/user/user1", json=wrong) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [422, 429]
