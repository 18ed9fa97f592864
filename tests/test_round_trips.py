"""What the hot routes of accounts cost once everything is warm."""

import httpx2

from tests.accounts import Person
from tests.costs import Costs


async def test_me_is_one_round_trip_and_no_statement(user: Person, costs: Costs) -> None:
    assert await costs.of(lambda: user.get("/api/v1/user/me/")) == (0, 1)


async def test_a_list_is_one_statement(client: httpx2.AsyncClient, costs: Costs) -> None:
    assert await costs.of(lambda: client.get("/api/v1/users?items_per_page=100")) == (1, 0)
