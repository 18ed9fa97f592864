"""Roles on the admin site: they hold from the next request on."""

from typing import Any

import pytest

from features.roles.models import MAX_ROLES
from features.roles.tests.factories import write_role
from features.roles.tests.sample import MANAGE, give
from tests.accounts import Person

site_of = pytest.importorskip("tests.admin_site", reason="there is no admin site")

ROLES = "/api/v1/roles"
NAMES = '["roles.manage"]'


async def test_a_role_is_made_changed_and_deleted(
    site: Any, superuser: Person, user: Person
) -> None:
    made = await site.submit("/admin/role/create", name="staff", permissions=NAMES)
    role_id = int(made.headers["location"].split("/")[-1].partition("?")[0])
    await superuser.put(f"/api/v1/user/{user.username}/role/staff")
    before = await user.get(ROLES)
    await site.submit(f"/admin/role/edit/{role_id}", permissions="[]")
    changed = await user.get(ROLES)
    await site.submit(f"/admin/role/edit/{role_id}", permissions=NAMES)
    again = await user.get(ROLES)
    await site.act("role", "delete", role_id)
    gone = await user.get(ROLES)

    answers = [before, changed, again, gone]
    assert [answer.status_code for answer in answers] == [200, 403, 200, 403]


async def test_a_role_is_given_and_taken(site: Any, user: Person, superuser: Person) -> None:
    role = await write_role(superuser, MANAGE)
    ids = {"user_id": str(user.id), "role_id": str(role.id)}

    made = await site.submit("/admin/user-role/create", **ids)
    row_id = int(made.headers["location"].split("/")[-1].partition("?")[0])
    given = await user.get(ROLES)
    twice = await site.submit("/admin/user-role/create", **ids)
    await site.act("user-role", "delete", row_id)
    taken = await user.get(ROLES)

    assert [given.status_code, taken.status_code] == [200, 403]
    assert (twice.status_code, site_of.errors(twice)) == (422, ["The user has this role already"])


async def test_what_can_not_be_is_told(site: Any, user: Person, superuser: Person) -> None:
    for _ in range(MAX_ROLES):
        await give(user, MANAGE)
    one_more = await write_role(superuser, MANAGE)

    answers = [
        await site.submit("/admin/role/create", name="staff", permissions='["roles.unheard"]'),
        await site.submit("/admin/role/create", name="staff", permissions="roles.manage"),
        await site.submit(
            "/admin/user-role/create", user_id=str(user.id), role_id=str(one_more.id)
        ),
        await site.submit(
            "/admin/user-role/create", user_id="2147483647", role_id=str(one_more.id)
        ),
        await site.submit(
            "/admin/user-role/create", user_id=str(superuser.id), role_id="2147483647"
        ),
    ]

    assert [site_of.errors(answer)[0] for answer in answers] == [
        "Unknown permission",
        "Input should be valid JSON",
        f"A user has at most {MAX_ROLES} roles",
        "User not found",
        "Role not found",
    ]
    assert (await superuser.get("/api/v1/role/staff")).status_code == 404
