"""Every privileged route that writes leaves an entry: a table that was forgotten fails here."""

import pytest
from sqlalchemy import select
from sqlmodel import col

from features.audit.models import AuditEntry
from kernel.app import Application
from tests.callers import arranger_of, call, people
from tests.gates.features import WITH_ROUTES, routes_of

# Superusers', and those of holders of a permission, where a feature gives some.
PRIVILEGED = ("super", "permission")
FORGOTTEN = """\
{method} {path} leaves no audit entry: let the info of the table that it writes say which columns'
values are kept, `"audited": [...]`, and write its trigger by `hatch run revision`: docs/audit.md"""


@pytest.mark.parametrize("feature", WITH_ROUTES)
async def test_a_superuser_s_write_leaves_an_entry(app: Application, feature: str) -> None:
    problems = []
    for method, route in routes_of(app, feature):
        if route.access not in PRIVILEGED or method in ("GET", "HEAD"):
            continue
        async with people(app) as accounts:
            given = await arranger_of(feature)(accounts, route.name)
            answer = await call(accounts, route, method, given, "superuser")
            assert answer.is_success, answer.text
        async with app.state.resources.unit() as db:
            by_request = col(AuditEntry.request_id) == answer.headers["X-Request-ID"]
            if not (await db.scalars(select(col(AuditEntry.actor_id)).where(by_request))).all():
                problems.append(FORGOTTEN.format(method=method, path=route.path))

    assert problems == []
