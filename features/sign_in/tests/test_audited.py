"""The audit log knows of each new way in to a superuser's account, as of all a superuser writes."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import select
from sqlmodel import col

from features.sign_in.tests.provider import Provider
from features.sign_in.tests.signing_in import begun
from kernel.app import Application
from kernel.resources import Resources
from tests.accounts import Person
from tests.application import ApplicationFactory

audit = pytest.importorskip("features.audit.models")


@pytest.fixture(scope="module")
async def app(
    make_app: ApplicationFactory, provider_server: Provider
) -> AsyncIterator[Application]:
    async with make_app(**provider_server.settings) as app:
        yield app


async def test_a_superusers_link_leaves_an_entry_and_another_users_none(
    user: Person, superuser: Person, provider: Provider, resources: Resources
) -> None:
    for person in (user, superuser):
        provider.person = {**provider.person, "sub": person.username}
        answer = await person.get(provider.visit(await begun(person, "link")))
        assert answer.status_code == 200

    async with resources.unit() as unit:
        entry = audit.AuditEntry
        found = await unit.execute(
            select(entry.actor_id, entry.act).where(col(entry.subject) == "identity")
        )
        assert [tuple(one) for one in found] == [(superuser.id, "insert")]
