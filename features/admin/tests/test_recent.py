"""The requests of the last hour on the start page: those of every process."""

import re
from contextlib import AsyncExitStack

import pytest

from features.admin import recent
from features.admin.recent import RecentRequests
from kernel.redis import REDIS_ERRORS, Redis
from kernel.resources import Resources
from kernel.tests.fault_proxy import proxy_to
from tests.accounts import Person
from tests.admin_site import Browser
from tests.application import ApplicationFactory, client_of


def counted(page: str) -> list[int]:
    """How many requests the page has counted, and how many of them with 5xx."""
    panel = page.split("<h2>Requests</h2>")[1].split("</table>")[0]
    cells = re.findall(r"<td>(\d+)", panel)
    return [int(cell) for cell in cells]


async def test_the_start_page_counts_the_requests_of_every_process(
    superuser: Person, make_app: ApplicationFactory
) -> None:
    async with AsyncExitStack() as stack:
        apps = [await stack.enter_async_context(make_app()) for _ in range(2)]
        first, second = [await stack.enter_async_context(client_of(app, Browser)) for app in apps]
        await first.sign_in(superuser)
        second.cookies.update(first.cookies)
        before = counted((await first.get("/admin/")).text)[0]
        for number in range(20):
            await (first, second)[number % 2].get("/api/v1/users")

        shown = (await second.get("/admin/")).text
        after = counted((await first.get("/admin/")).text)[0]

    assert "Answered by all processes" in shown
    assert after >= before + 20  # and what other processes have shared meanwhile


async def test_what_was_counted_while_redis_was_away_is_added_later(
    redis_url: str, resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent, "_now", lambda: 7_000_000)
    there = resources.redis("cache")
    assert there is not None
    own = RecentRequests()
    async with proxy_to(redis_url) as proxy:
        away = Redis(proxy.url, 0.2)
        await away.open()
        await proxy.unplug()
        for status in (200, 404, 500):
            own.note("GET", None, status, 0.1)

        alone = await own.last_hour(away)
        with pytest.raises(REDIS_ERRORS):
            await own.share(away)
        await away.close()
    own.note("GET", None, 200, 0.1)
    other = RecentRequests()
    other.note("GET", None, 503, 0.1)
    await other.share(there)

    answered, failed, shared = await own.last_hour(there)

    assert (alone[0][-1], alone[1][-1], alone[2]) == (3, 1, False)
    assert (answered[-1], failed[-1], shared) == (5, 2, True)
    assert (sum(answered), len(answered)) == (5, 60)
