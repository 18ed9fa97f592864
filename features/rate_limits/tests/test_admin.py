"""Rules of tiers on the admin site: they hold from the next request on."""

from features.rate_limits.tests.test_rate_limits import RULES, TASKS, add
from features.tiers.tests.test_tiers import make
from tests.accounts import Person
from tests.admin_site import Browser, errors
from tests.needs import needs


@needs("tasks")
async def test_a_rule_is_made_changed_and_deleted(site: Browser, superuser: Person) -> None:
    tier_id = await make(superuser, "free")
    await superuser.patch(f"/api/v1/user/{superuser.username}/tier", json={"tier_id": tier_id})
    rule = {"path": "api/v1/tasks/task", "limit": "1", "period": "3600"}

    made = await site.submit("/admin/rate-limit/create", tier_id=str(tier_id), **rule)
    rule_id = int(made.headers["location"].split("/")[-1].partition("?")[0])
    [stored] = (await superuser.get(RULES)).json()["data"]
    calls = [await superuser.post("/api/v1/tasks/task?message=x") for _ in range(2)]
    await site.submit(f"/admin/rate-limit/edit/{rule_id}", limit="3")
    more = await superuser.post("/api/v1/tasks/task?message=x")
    await site.act("rate-limit", "delete", rule_id)

    assert stored["name"] == "api_v1_tasks_task:1:3600"
    assert [answer.status_code for answer in (*calls, more)] == [201, 429, 201]
    assert (await superuser.get(RULES)).json()["data"] == []


async def test_bad_rules_are_told_beside_their_fields(site: Browser, superuser: Person) -> None:
    tier_id = await make(superuser, "free")
    await add(superuser, TASKS)
    rule = {"tier_id": str(tier_id), "path": "api/v1/tasks/task", "limit": "1", "period": "60"}

    answers = [
        await site.submit("/admin/rate-limit/create", **{**rule, **changed})
        for changed in (
            {"limit": "0"},
            {"limit": "1.5"},
            {"limit": ""},
            {"path": "with space"},
            {},
            {"tier_id": "2147483647"},
        )
    ]

    assert [answer.status_code for answer in answers] == [422] * 6
    told = [errors(answer)[0] for answer in answers]
    assert told[4:] == ["There is already a rate limit for this path", "Tier not found"]
