"""Drafts in Redis: encrypted, for a while, so many of each user, and none of who was erased."""

import pytest

from features.admin import drafts
from features.admin.drafts import Draft, find, keep
from kernel.resources import Resources
from tests.accounts import Person


async def test_what_is_put_back_into_redis_after_its_time_is_no_draft(
    resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cryptography.fernet.time.time", lambda: 1_000_000_000.0)
    name = await keep(resources, 1, Draft("/", {"text": ["x"]}))
    monkeypatch.undo()

    assert name is not None
    assert await find(resources, 1, name) is None


async def test_drafts_are_bounded_in_number_and_in_length(
    resources: Resources, superuser: Person, user: Person
) -> None:
    names = [await keep(resources, superuser.id, Draft("/", {"text": [f"{n}"]})) for n in range(13)]
    other = await keep(resources, user.id, Draft("/", {"text": ["x"]}))
    too_long = await keep(resources, user.id, Draft("/", {"text": ["é" * (512 * 1024 + 1)]}))

    found = [await find(resources, superuser.id, name) for name in names if name]
    assert [draft is not None for draft in found] == [False] * 8 + [True] * 5
    assert other is not None
    assert await find(resources, user.id, other) is not None
    assert too_long is None
    redis = resources.redis(drafts.ROLE)
    assert redis is not None
    stored = await redis.execute("GET", f"{drafts.PREFIX}{user.id}:{other}")
    assert b"text" not in stored
    assert 0 < await redis.execute("PTTL", f"{drafts.PREFIX}{user.id}:{other}") <= 3_600_000


async def test_an_erasure_removes_the_persons_drafts_and_those_about_the_person(
    resources: Resources, superuser: Person, user: Person
) -> None:
    async def typed(person: Person, path: str, text: str) -> str:
        name = await keep(resources, person.id, Draft(path, {"text": ["short", text]}))
        assert name is not None
        return name

    own = await typed(user, "/post/edit/1", "Anything")
    about = [
        await typed(superuser, f"/user/edit/{user.id}", "Anything"),
        await typed(superuser, "/post/edit/1", f"As {user.username.upper()} said"),
        await typed(superuser, "/post/edit/1", f"Write to {user.email}"),
        await typed(superuser, "/post/edit/1", f"First line\n{user.name}"),
    ]
    others = await typed(superuser, "/post/edit/1", f"Anything else: {user.username}x")

    answer = await superuser.delete(f"/api/v1/db_user/{user.username}")

    assert answer.status_code == 200
    assert await find(resources, user.id, own) is None
    assert [await find(resources, superuser.id, name) for name in about] == [None] * 4
    assert await find(resources, superuser.id, others) is not None
