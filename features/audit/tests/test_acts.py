"""What superusers write leaves entries in the same transaction; what others write leaves none."""

from typing import Any

import pytest
from sqlalchemy import select, text, update
from sqlmodel import SQLModel, col

from features.audit.models import AuditEntry, AuditEntryRead
from features.auth.crud import crud_sessions
from features.users.crud import crud_all_users
from features.users.models import User, UserCreateInternal
from kernel.db import CompiledQuery
from kernel.db.tables import now
from kernel.resources import Resources
from kernel.web import note_actor
from tests.accounts import Person

V1 = "/api/v1"


async def entries(resources: Resources, by: bool = True) -> list[AuditEntryRead]:
    """Those of superusers' requests, or all others; the oldest one first."""
    by_request = col(AuditEntry.actor_id).is_not(None) == by
    async with resources.unit() as db:
        query = select(AuditEntry).where(by_request).order_by(col(AuditEntry.id))
        found = (await db.scalars(query)).all()
        return [AuditEntryRead.model_validate(one) for one in found]


async def test_a_change_of_role_says_who_when_by_which_request_and_from_what_to_what(
    superuser: Person, user: Person, resources: Resources
) -> None:
    before = now()

    answer = await superuser.patch(f"{V1}/user/user1/role", json={"is_superuser": True})

    assert answer.status_code == 200
    [entry] = await entries(resources)
    assert (entry.actor_id, entry.act) == (superuser.id, "update")
    assert (entry.subject, entry.subject_id) == ("user", str(user.id))
    assert entry.request_id == answer.headers["X-Request-ID"]
    assert before <= entry.created_at <= now()
    assert entry.changes["is_superuser"] == {"from": False, "to": True}


async def test_of_personal_and_secret_columns_only_the_names_are_kept(
    superuser: Person, user: Person, resources: Resources
) -> None:
    secrets = {"name": "Zaphod", "email": "z@example.org", "password": "heart of gold 42"}

    answer = await superuser.patch(f"{V1}/user/user1", json=secrets)

    assert answer.status_code == 200, answer.text
    found = await entries(resources)
    [of_user] = [one for one in found if one.subject == "user"]
    assert {name for name, values in of_user.changes.items() if values is None} == {
        "name",
        "email",
        "hashed_password",
    }
    kept = str([one.model_dump() for one in found])
    for word in ("Zaphod", "z@example.org", "heart of gold", "$2b$", "user1", user.email):
        assert word not in kept


async def test_ordinary_users_leave_no_entry(
    user: Person, superuser: Person, resources: Resources
) -> None:
    await user.patch(f"{V1}/user/user1", json={"name": "Ada"})
    await user.post(f"{V1}/step-up", json={"password": user.password})
    await user.delete(f"{V1}/user/user1")

    assert await entries(resources) == []


async def test_writes_of_fastcrud_of_the_session_and_of_compiled_queries_are_seen(
    superuser: Person, user: Person, resources: Resources
) -> None:
    async with resources.unit() as db:
        [login] = (await crud_sessions.get_multi(db, user_id=user.id))["data"]

    await superuser.delete(f"{V1}/session/{login['id']}")
    await superuser.patch(f"{V1}/user/user1", json={"name": "Ada"})
    await superuser.post(f"{V1}/step-up", json={"password": superuser.password})

    ended, renamed, confirmed = await entries(resources)
    assert [one.subject for one in (ended, renamed, confirmed)] == ["session", "user", "session"]
    assert ended.subject_id == str(login["id"])
    assert ended.changes["end_reason"] == {"from": None, "to": "revoked"}
    assert set(renamed.changes) == {"name", "version"}
    assert set(confirmed.changes) == {"password_at"}


async def test_a_removed_user_is_one_entry_whatever_went_along(
    superuser: Person, user: Person, resources: Resources
) -> None:
    assert (await superuser.delete(f"{V1}/db_user/user1")).status_code == 200

    [gone] = [one for one in await entries(resources) if one.act == "delete"]
    assert (gone.subject, gone.subject_id) == ("user", str(user.id))
    assert gone.changes["is_superuser"] == {"from": False, "to": None}


async def test_what_is_refused_or_undone_leaves_no_entry(
    superuser: Person, user: Person, resources: Resources
) -> None:
    taken = await superuser.patch(f"{V1}/user/super1", json={"username": "user1"})
    last = await superuser.delete(f"{V1}/user/super1")

    assert (taken.status_code, last.status_code) == (422, 409)
    assert await entries(resources) == []


async def test_statements_over_many_rows_and_by_hand_leave_an_entry_for_each(
    superuser: Person, user: Person, resources: Resources
) -> None:
    async with resources.unit() as db:
        await note_actor(db, superuser.id)
        await db.execute(update(User).values(version=7))
        await db.execute(text('UPDATE "user" SET version = 8'))
        await CompiledQuery(update(User).values(version=9), writes=True).all(db)

    found = await entries(resources)
    assert [one.changes["version"]["to"] for one in found if one.changes["version"]] == [
        *[7, 7],
        *[8, 8],
        *[9, 9],
    ]


async def test_what_changes_nothing_leaves_no_entry(
    superuser: Person, resources: Resources
) -> None:
    async with resources.unit() as db:
        await note_actor(db, superuser.id)
        await db.execute(update(User).values(version=User.version, updated_at=now()))

    assert await entries(resources) == []


@pytest.mark.parametrize("first_by_session", [True, False])
async def test_the_actor_is_known_again_after_a_rollback_and_a_savepoint(
    superuser: Person, resources: Resources, first_by_session: bool
) -> None:
    rename = update(User).values(version=20)
    async with resources.unit() as db:
        await note_actor(db, superuser.id)
        if first_by_session:
            await db.execute(rename)
        else:
            await CompiledQuery(rename, writes=True).all(db)
        await db.rollback()
        await db.execute(update(User).values(version=3))
        nested = await db.begin_nested()
        await db.execute(update(User).values(version=4))
        await nested.rollback()
        await db.execute(update(User).values(version=5))

    found = await entries(resources)
    assert [one.changes["version"] for one in found] == [
        {"from": 2, "to": 3},
        {"from": 3, "to": 5},
    ]


async def test_an_actor_who_is_named_late_is_heard_from_then_on(
    superuser: Person, resources: Resources
) -> None:
    async with resources.unit() as db:
        await db.execute(update(User).values(version=20))
        await note_actor(db, superuser.id)
        await db.execute(update(User).values(version=3))

    [entry] = await entries(resources)
    assert entry.changes["version"] == {"from": 20, "to": 3}


async def test_the_next_transaction_of_the_connection_has_no_actor(
    superuser: Person, resources: Resources
) -> None:
    for acts in (True, False):
        async with resources.unit() as db:
            if acts:
                await note_actor(db, superuser.id)
            await db.execute(update(User).values(version=User.version + 1))

    assert len(await entries(resources)) == 1


async def test_no_user_becomes_a_superuser_unseen(user: Person, resources: Resources) -> None:
    async with resources.unit() as db:
        await db.execute(text("UPDATE \"user\" SET is_superuser = true, name = 'Eve'"))
        for name, is_superuser in (("mallory", True), ("ada", False)):
            made = UserCreateInternal(
                name=name,
                username=name,
                email=f"{name}@example.com",
                hashed_password="unusable",
                is_superuser=is_superuser,
            )
            await crud_all_users.create(db, made)

    promoted, registered = await entries(resources, by=False)
    assert promoted.subject_id == str(user.id)
    assert promoted.changes == {"is_superuser": {"from": False, "to": True}, "name": None}
    assert registered.changes["is_superuser"] == {"from": None, "to": True}


def test_tables_name_columns_that_they_have() -> None:
    for table in SQLModel.metadata.tables.values():
        named: list[Any] = [
            *table.info.get("audited", []),
            *table.info.get("audited_always", []),
            table.info.get("audited_as"),
        ]
        assert {name for name in named if name} <= set(table.columns.keys()), table.name
