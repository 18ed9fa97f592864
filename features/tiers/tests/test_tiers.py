"""Tiers: everybody reads the prices, superusers set them."""

from typing import Any

import httpx2
import pytest
from httpx2 import AsyncClient

from kernel.db.tables import now
from tests.accounts import Person
from tests.needs import needs
from tests.statements import Statements

WRITES: list[tuple[str, str, dict[str, Any] | None]] = [
    ("POST", "/api/v1/tier", {"name": "pro"}),
    ("PATCH", "/api/v1/tier/free", {"name": "pro"}),
    ("DELETE", "/api/v1/tier/free", None),
]


def detail(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["detail"]


async def make(superuser: Person, name: str) -> int:
    answer = await superuser.post("/api/v1/tier", json={"name": name})
    assert answer.status_code == 201, answer.text
    tier_id: int = answer.json()["id"]
    return tier_id


async def read(client: AsyncClient, name: str) -> httpx2.Response:
    return await client.get(f"/api/v1/tier/{name}")


@pytest.mark.parametrize("name", ["", "a" * 51, "two words", "ünlimited", "pro\n", "a/b", None, 7])
async def test_a_name_of_other_letters_is_refused(superuser: Person, name: Any) -> None:
    await make(superuser, "free")

    made = await superuser.post("/api/v1/tier", json={"name": name})
    renamed = await superuser.patch("/api/v1/tier/free", json={"name": name})

    assert (made.status_code, renamed.status_code) == (422, 422)


async def test_a_name_is_given_once(superuser: Person) -> None:
    await make(superuser, "free")
    await make(superuser, "pro")

    made = await superuser.post("/api/v1/tier", json={"name": "pro"})
    renamed = await superuser.patch("/api/v1/tier/free", json={"name": "pro"})

    assert detail(made) == (422, "Tier Name not available")
    assert detail(renamed) == (422, "Tier Name not available")


async def test_a_superuser_makes_a_tier(
    superuser: Person, client: AsyncClient, statements: Statements
) -> None:
    before = now()

    answer = await statements.held(superuser.post("/api/v1/tier", json={"name": "Pro_2-x"}))

    assert answer.status_code == 201
    assert sorted(answer.json()) == ["created_at", "id", "name"]
    assert answer.json()["created_at"].endswith("Z")
    assert answer.json()["created_at"] >= before.isoformat()[:19]
    shown = await statements.held(read(client, "Pro_2-x"))
    assert shown.json() == answer.json()


async def test_a_renamed_tier_is_found_under_its_new_name_only(
    superuser: Person, client: AsyncClient, statements: Statements
) -> None:
    tier_id = await make(superuser, "free")

    call = superuser.patch("/api/v1/tier/free", json={"name": "basic"})
    answer = await statements.held(call)

    assert answer.json() == {"message": "Tier updated"}
    assert (await read(client, "basic")).json()["id"] == tier_id
    assert (await read(client, "free")).status_code == 404


@pytest.mark.parametrize("body", [{}, {"name": "free"}])
async def test_a_tier_may_keep_its_name(superuser: Person, body: dict[str, Any]) -> None:
    await make(superuser, "free")

    answer = await superuser.patch("/api/v1/tier/free", json=body)

    assert answer.json() == {"message": "Tier updated"}


@needs("rate_limits")
async def test_an_unused_tier_is_deleted_with_its_rules(
    superuser: Person, client: AsyncClient, statements: Statements
) -> None:
    await make(superuser, "free")
    rule = {"path": "api/v1/tasks/task", "limit": 1, "period": 60}
    await superuser.post("/api/v1/tier/free/rate_limit", json=rule)

    answer = await statements.held(superuser.delete("/api/v1/tier/free"))

    assert answer.json() == {"message": "Tier deleted"}
    assert (await read(client, "free")).status_code == 404
    await make(superuser, "free")
    assert (await client.get("/api/v1/tier/free/rate_limits")).json()["data"] == []


async def test_the_prices_may_be_kept_by_every_cache(
    superuser: Person, client: AsyncClient
) -> None:
    await make(superuser, "free")

    page = await client.get("/api/v1/tiers")
    again = await client.get("/api/v1/tiers", headers={"If-None-Match": page.headers["ETag"]})
    theirs = await superuser.get("/api/v1/tiers")

    assert page.headers["Cache-Control"] == "public, max-age=30"
    assert again.status_code == 304
    assert theirs.json() == page.json()
    assert "public" not in theirs.headers["Cache-Control"]


async def test_a_cursor_of_another_list_is_refused(
    client: AsyncClient, user: Person, other: Person
) -> None:
    users = await client.get("/api/v1/users?items_per_page=1&cursor=")

    answer = await client.get(f"/api/v1/tiers?cursor={users.json()['next_cursor']}")

    assert detail(answer) == (422, "The cursor is not one of this list.")
