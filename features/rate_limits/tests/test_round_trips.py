"""What a limited route costs once everything is warm."""

from tests.accounts import Person
from tests.costs import Costs
from tests.needs import needs


@needs("tasks")
async def test_a_limited_task_is_three_round_trips_and_no_statement(
    user: Person, superuser: Person, costs: Costs
) -> None:
    tier = (await superuser.post("/api/v1/tier", json={"name": "quick"})).json()
    rule = {"path": "api/v1/tasks/task", "limit": 100, "period": 60}
    await superuser.post("/api/v1/tier/quick/rate_limit", json=rule)
    await superuser.patch(f"/api/v1/user/{user.username}/tier", json={"tier_id": tier["id"]})

    task = "/api/v1/tasks/task?message=hello"
    assert await costs.of(lambda: user.post(task)) == (0, 3)
