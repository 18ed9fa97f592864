"""Rows of roles for the gates in tests/gates (see tests/callers.py)."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from features.roles.models import Role, RoleRead, UserRole
from tests.accounts import Person
from tests.callers import People

missing = {"name": "Role not found"}
shared = {"name": "a role may be given to any user"}
MANAGE = "roles.manage"


async def write_role(person: Person, *permissions: str, name: str = "") -> RoleRead:
    """A role with these permissions, of which some may be in no code."""
    role = Role(name=name or f"role-{uuid4().hex[:8]}", permissions=[*permissions])
    async with person.app.state.resources.unit() as db:
        db.add(role)
        await db.flush()
        return RoleRead.model_validate(role)


async def _person(people: People) -> Person:
    person = await people.caller("other")
    assert isinstance(person, Person)
    return person


async def arrange(people: People, operation: str) -> Mapping[str, Any]:
    """A role of those who manage roles; the owner has an empty one that is to be taken, and one
    that is shown has a permission, too, that no route asks for."""
    permissions = {"erase_user_role": [], "read_role": [MANAGE, "gone.long"]}
    role = await write_role(people.superuser, *permissions.get(operation, [MANAGE]))
    if operation == "erase_user_role":
        path = f"/api/v1/user/{people.owner.username}/role/{role.name}"
        assert (await people.superuser.put(path)).status_code == 200
    own_body = {
        "write_role": {"name": f"{role.name}-2", "permissions": [MANAGE]},
        "patch_role": {"name": f"{role.name}-2"},
    }
    return {"name": role.name, "body": own_body.get(operation)}


async def add_rows(people: People, operation: str, number: int) -> Mapping[str, Any]:
    """Roles, which the owner has when the owner's are listed; or users of one role."""
    if operation == "read_role_users":
        name = f"role-of-{people.owner.username}"
        there = await people.superuser.get(f"/api/v1/role/{name}")
        if there.status_code == 404:
            await write_role(people.superuser, MANAGE, name=name)
        for _ in range(number):
            person = await _person(people)
            await people.superuser.put(f"/api/v1/user/{person.username}/role/{name}")
        return {"name": name}
    for _ in range(number):
        role = await write_role(people.superuser, MANAGE)
        if operation == "read_user_roles":
            async with people.app.state.resources.unit() as db:
                db.add(UserRole(user_id=people.owner.id, role_id=role.id))
    return {}
