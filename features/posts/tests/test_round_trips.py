"""What the hot routes of posts cost once everything is warm."""

from tests.accounts import Person
from tests.costs import Costs
from tests.needs import needs_outbox

POST = {"title": "A title", "text": "A text."}


async def test_a_hit_is_one_round_trip_and_no_statement(user: Person, costs: Costs) -> None:
    posts = f"/api/v1/{user.username}/posts"
    post = (await user.post(f"/api/v1/{user.username}/post", json=POST)).json()

    assert await costs.of(lambda: user.get(posts)) == (0, 1)
    assert await costs.of(lambda: user.get(f"/api/v1/{user.username}/post/{post['id']}")) == (0, 1)


@needs_outbox  # without it the job is queued in Redis, after the commit
async def test_a_post_is_two_inserts_the_caller_a_mark_and_its_end(
    user: Person, costs: Costs
) -> None:
    path = f"/api/v1/{user.username}/post"

    assert await costs.of(lambda: user.post(path, json=POST)) == (2, 3)
