"""Superusers unlink the sign-ins of others, and lock no one out."""

import pytest
from sqlalchemy import select
from sqlmodel import col

from features.auth.tests.test_step_up import let_pass
from features.sign_in.tests.factories import add_identity, identities_left, take_password
from kernel.resources import Resources
from tests.accounts import Person, refusal

ME = "/api/v1/user/me/"
ALL = "/api/v1/user/user1/sign-in/identities"


async def test_a_superuser_unlinks_all_and_ends_the_sessions(
    user: Person, superuser: Person, resources: Resources
) -> None:
    for subject in "12":
        await add_identity(user, user.id, subject=subject)

    answer = await superuser.delete(ALL)
    again = await superuser.delete(ALL)

    assert answer.json() == {"message": "Identities unlinked"}
    assert refusal(again) == (404, "The account has no sign-in.")
    assert await identities_left(user) == 0
    assert (await user.get(ME)).status_code == 401
    assert (await user.login()).status_code == 200


async def test_an_account_without_a_password_keeps_its_way_in(
    user: Person, superuser: Person, resources: Resources
) -> None:
    await add_identity(user, user.id)
    await take_password(user)

    answer = await superuser.delete(ALL)

    said = "The account has no password, and would have no way in: set one first."
    assert refusal(answer) == (409, said)
    assert await identities_left(user) == 1
    assert (await user.get(ME)).status_code == 200


async def test_it_needs_a_superuser_who_has_entered_the_password_lately(
    user: Person, superuser: Person, resources: Resources
) -> None:
    await add_identity(user, user.id)

    own = await user.delete(ALL)
    await let_pass(resources, 11)
    late = await superuser.delete(ALL)

    assert own.status_code == 403
    assert late.json()["type"] == "urn:problem-type:step-up-required"
    assert await identities_left(user) == 1


async def test_it_stands_in_the_audit_log(
    user: Person, superuser: Person, resources: Resources
) -> None:
    audit = pytest.importorskip("features.audit.models").AuditEntry
    await add_identity(user, user.id)
    await superuser.delete(ALL)

    async with resources.unit() as db:
        found = await db.scalars(
            select(audit).where(
                col(audit.subject) == "identity", col(audit.actor_id) == superuser.id
            )
        )
        assert len(found.all()) == 1
