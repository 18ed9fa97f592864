"""Who may call what: every route called by every kind of caller; the answers are kept as text."""

import re
from collections.abc import Collection, Iterator, Mapping
from types import MappingProxyType

import httpx2
import pytest

from infra.checks import ROOT
from kernel.app import Application
from kernel.web.access import Access
from kernel.web.raised_errors import errors_of
from kernel.web.router import FeatureRoute, named_permissions
from tests.callers import (
    CALLERS,
    HOLDER,
    Arrange,
    arranger_of,
    call,
    good_once_of,
    own_callers,
    people,
)
from tests.gates.features import WITH_ROUTES, in_columns, routes_of

UPDATE = "hatch run access"
HEAD = f"""\
# What each caller is answered who calls the route in a valid way. `owner` is the user in the path
# or whose row it is; `permission` has the permission that the route names, and nothing else.
# Written by `{UPDATE}`, held by tests/gates/test_access_table.py.
"""
COLUMNS = ("route", "access", *CALLERS, HOLDER)
# Who is refused most goes first; a feature's own callers come last.
BY_REFUSALS = ("anonymous", "deleted", "expired", "other", "owner", "superuser", HOLDER)
KNOWN_CALLERS = ("other", "owner", "superuser")
REFUSALS = {401, 403}
INVALID = {400, 422}  # the table says who may call, of calls that are valid
WORKING = "give `body` in factories.py, or an example that works (docs/concepts.md, Schemas)"
MOST_SHOWN = 500  # characters of an answer, in a report


@pytest.mark.parametrize("feature", WITH_ROUTES)
async def test_every_caller_is_answered_as_the_table_says(
    app: Application, feature: str, pytestconfig: pytest.Config
) -> None:
    file = ROOT / "features" / feature / "tests" / "access.txt"
    arrange = arranger_of(feature)

    rows, wrong = [], []
    for method, route in routes_of(app, feature):
        once = route.name in good_once_of(feature)
        answered = await answers(app, method, route, arrange, once)
        statuses = {caller: answer.status_code for caller, answer in answered.items()}
        said = {caller: shortened(answer.text) for caller, answer in answered.items()}
        rows.append(((f"{method} {route.path_format}", access_of(route)), statuses))
        wrong += [f"{method} {route.path}: {text}" for text in unproved(route, statuses, said)]
    table = written(rows)

    assert wrong == []
    if pytestconfig.getoption("write_access"):
        file.write_text(table)
    assert file.is_file(), f"{file} is missing: {UPDATE} {feature}"
    known = [*COLUMNS, *own_callers()]
    assert read(file.read_text(), known) == read(table, known), (
        f"Who may call what has changed. If you mean it: {UPDATE}"
    )


def access_of(route: FeatureRoute) -> str:
    """Who may call the route: its access, and the permissions that it names."""
    needed = named_permissions(route.dependant, Access.PERMISSION)
    ways = [*([] if needed else [str(route.access)]), *named_permissions(route.dependant)]
    return (" and " if needed else " or ").join(ways)


def callers_of(route: FeatureRoute) -> tuple[str, ...]:
    """Every kind of caller that the route knows of."""
    holder = (HOLDER,) if named_permissions(route.dependant) else ()
    return (*CALLERS, *holder, *own_callers())


async def answers(
    app: Application, method: str, route: FeatureRoute, arrange: Arrange, once: bool
) -> dict[str, httpx2.Response]:
    """What each caller is answered. After a call that wrote, others have new rows; with `once`,
    after each call."""
    waiting = sorted(callers_of(route), key=(*BY_REFUSALS, *own_callers()).index)
    answered: dict[str, httpx2.Response] = {}
    while waiting:
        async with people(app) as accounts:
            given = await arrange(accounts, route.name)
            is_unchanged = True
            while waiting and is_unchanged:
                caller = waiting.pop(0)
                answer = await call(accounts, route, method, given, caller)
                answered[caller] = answer
                is_unchanged = not once and (method == "GET" or answer.status_code in REFUSALS)
    return answered


def shortened(text: str) -> str:
    """The beginning of an answer, for the report: what was wrong with the call stands there."""
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}..."


def unproved(
    route: FeatureRoute, statuses: dict[str, int], said: Mapping[str, str] = MappingProxyType({})
) -> Iterator[str]:
    """Where the answers don't bear out the access that the route declares.

    `said` has their texts, of which an invalid call's is shown.
    """
    if not any(200 <= status < 400 for status in statuses.values()):
        yield f"refuses every caller: {[*statuses.values()]}"
    if invalid := sorted(caller for caller, status in statuses.items() if status in INVALID):
        told = f"{invalid[0]} is answered {statuses[invalid[0]]} {said.get(invalid[0], '')}"
        yield f"finds the call of {', '.join(invalid)} invalid: {WORKING}. {told}".rstrip()
    for caller in own_callers().keys() & statuses.keys():
        if statuses[caller] < 400 <= statuses["owner"]:
            yield f"lets {caller} in, and not its owner: {statuses[caller]}"
    documented = {int(status) for status in route.responses} | errors_of(route).keys()
    refused = {caller for caller, status in statuses.items() if status in REFUSALS - documented}
    if route.access in (Access.PUBLIC, Access.OPTIONAL):
        if refused := refused - own_callers().keys():
            yield f"is open to all, and refuses {sorted(refused)}"
        return
    for caller in set(CALLERS) - set(KNOWN_CALLERS):
        if statuses[caller] != 401:
            yield f"lets {caller} in: {statuses[caller]}"
    if statuses.get(HOLDER) in REFUSALS:
        yield f"refuses who has its permission: {statuses[HOLDER]}"
    if route.access is Access.USER:
        return
    # A row that isn't the caller's may be one that the caller doesn't get to know of.
    strict = route.access in (Access.PERMISSION, Access.SUPER)
    unknown = {403} if strict else {403, 404}
    barred = ("other", "owner") if strict else ("other",)
    for caller in barred:
        if statuses[caller] not in unknown:
            yield f"lets {caller} in: {statuses[caller]}"
    for caller in set(KNOWN_CALLERS) - set(barred):
        if statuses[caller] in REFUSALS:
            yield f"refuses {caller}: {statuses[caller]}"


def written(rows: list[tuple[tuple[str, str], dict[str, int]]]) -> str:
    """The table as text, in columns."""
    columns = [*CALLERS, HOLDER, *own_callers()]
    lines = [["route", "access", *columns]]
    lines += [
        [*labels, *[str(statuses.get(caller, "-")) for caller in columns]]
        for labels, statuses in rows
    ]
    told = [f"# `{name}`: {caller.__doc__}\n" for name, caller in own_callers().items()]
    return HEAD + "".join(told) + in_columns(lines)


def read(table: str, columns: Collection[str]) -> list[dict[str, str]]:
    """The rows of a table: of these columns, since a feature may be gone that had one."""
    lines = [re.split(" {2,}", line) for line in table.splitlines() if not line.startswith("#")]
    return [
        {name: cell for name, cell in zip(lines[0], line, strict=True) if name in columns}
        for line in lines[1:]
    ]


def test_a_column_of_a_feature_that_is_gone_is_passed_over() -> None:
    table = "# `key`: gone\nroute  access  owner  key\nGET /x  self or x.y  200  403\n"

    known = ["route", "access", "owner", "another"]
    assert read(table, known) == [{"route": "GET /x", "access": "self or x.y", "owner": "200"}]
