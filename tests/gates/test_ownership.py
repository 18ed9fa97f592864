"""A row is found under what it belongs to, and nowhere else.

Of a path with several parameters, `/{username}/invoices/{id}`, the first ones are another owner's,
and the others those of the owner's row: each caller is refused.
"""

from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from kernel.app import Application
from kernel.web.router import FeatureRoute
from tests.callers import Arrange, People, arranger_of, call, path_of, people, shared_of
from tests.gates.features import WITH_ROUTES, routes_of

CALLERS = ("other", "owner", "superuser")
REFUSED = {"superuser": {404}}  # the others may be told that the row isn't theirs, too
Given = Mapping[str, Any]


@pytest.mark.parametrize("feature", WITH_ROUTES)
async def test_a_row_is_found_under_what_it_belongs_to_only(app: Application, feature: str) -> None:
    found = [
        problem
        for method, route in routes_of(app, feature)
        async for problem in finds(app, method, route, arranger_of(feature), shared_of(feature))
    ]

    assert found == []


async def finds(
    app: Application,
    method: str,
    route: FeatureRoute,
    arrange: Arrange,
    shared: Collection[str] = (),
) -> AsyncIterator[str]:
    """Who finds a row of the owner's under what it doesn't belong to."""
    if len(route.param_convertors) < 2:
        return
    async with people(app) as accounts:
        other = await accounts.caller("other")
        theirs = await valid_values(replace(accounts, owner=other), route, arrange)  # type: ignore[arg-type]
        given = await valid_values(accounts, route, arrange)
        for mixed in mixtures(route, given, theirs, shared):
            for caller in CALLERS:
                client = other if caller == "other" else caller
                answer = await call(accounts, route, method, mixed, client)
                if answer.status_code not in REFUSED.get(caller, {403, 404}):
                    path, owner = answer.request.url.path, accounts.owner.username
                    yield (
                        f"{method} {path} is about a row of {owner}, and answers the {caller} "
                        f"{answer.status_code}: put what the path names before it into the "
                        "condition (docs/routes.md)"
                    )


async def valid_values(people: People, route: FeatureRoute, arrange: Arrange) -> Given:
    """What a valid call about a row of theirs takes."""
    given = {"username": people.owner.username, **await arrange(people, route.name)}
    path_of(people, route, given)  # says what factories.py doesn't give
    return given


def mixtures(
    route: FeatureRoute, given: Given, theirs: Given, shared: Collection[str]
) -> Iterator[Given]:
    """Calls whose path is theirs up to one of its parameters, and the owner's from there on."""
    names = [*route.param_convertors]
    differ = [given[name] != theirs[name] for name in names]
    for place in range(1, len(names)):
        if any(differ[:place]) and any(differ[place:]) and names[place] not in shared:
            yield {**theirs, **{name: given[name] for name in names[place:]}}
