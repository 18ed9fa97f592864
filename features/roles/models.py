"""The tables of roles and the shapes that requests and answers have."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import MISSING, AfterValidator, Field
from sqlalchemy import ARRAY, Index, String
from sqlmodel import Field as Column
from sqlmodel import SQLModel

from kernel.db import ListQuery, Timestamped, unique
from kernel.schemas import (
    MAX_PERMISSION,
    CleanText,
    InputSchema,
    JsonNumber,
    ReadSchema,
    RowId,
    example,
)

NAME_TAKEN = "Role Name not available"
ROLE_NOT_FOUND = "Role not found"
ALREADY_GIVEN = "The user has this role already"

MAX_NAME = 50
MAX_PERMISSIONS = 40  # of one role
MAX_ROLES = 25  # of one user: they are shown all at once

RoleName = Annotated[str, Field(pattern=rf"^[A-Za-z0-9_-]{{1,{MAX_NAME}}}$", max_length=MAX_NAME)]
Permission = Annotated[str, Field(max_length=MAX_PERMISSION)]
Permissions = Annotated[
    list[Permission],
    Field(max_length=MAX_PERMISSIONS, description="As GET /permissions names them."),
]


def _distinct(names: list[str]) -> list[str]:
    return sorted(set(names))


GivenPermissions = Annotated[Permissions, AfterValidator(_distinct)]


class Role(Timestamped, table=True):
    """A set of permissions, by name. The permissions themselves live in the code of routes."""

    __table_args__: ClassVar[Any] = (
        unique("uq_role_name", "name", answer=NAME_TAKEN),
        {
            "info": {
                "missing": ROLE_NOT_FOUND,
                "small": True,
                "audited": ["name", "permissions"],
            }
        },
    )

    id: int | None = Column(default=None, primary_key=True)
    name: str = Column(max_length=MAX_NAME)
    # In the row: they are written and read as a whole, and no table has what may stand here.
    permissions: list[str] = Column(sa_type=ARRAY(String(MAX_PERMISSION)))


class UserRole(Timestamped, table=True):
    """That a user has a role; gone with either."""

    __table_args__: ClassVar[Any] = (
        unique("uq_user_role_user_id", "user_id", "role_id", answer=ALREADY_GIVEN),
        Index("ix_user_role_role_id", "role_id", "id"),
        {"info": {"audited": ["user_id", "role_id"]}},
    )

    id: int | None = Column(default=None, primary_key=True)
    user_id: int = Column(foreign_key="user.id", ondelete="CASCADE")
    role_id: int = Column(foreign_key="role.id", ondelete="CASCADE")


class RoleBase(SQLModel):
    """What a role is called, and what it allows."""

    name: RoleName
    permissions: GivenPermissions = []


class RoleCreate(InputSchema, RoleBase):
    """A new role."""

    model_config = example(name="staff", permissions=["roles.manage"])


# RoleUpdate is the shape of `PATCH /user/{username}/role`.
class RoleChange(InputSchema):
    """The fields to change; what is left out stays as it is. `permissions` replaces all of them."""

    model_config = example(name="office")

    name: RoleName | MISSING = MISSING
    permissions: GivenPermissions | MISSING = MISSING


class RoleListed(ReadSchema):
    """A role in a list: with permissions that no route asks for any more, if it has some."""

    id: int
    name: str
    permissions: Permissions
    created_at: datetime


class RoleRead(RoleListed):
    """A role."""

    unknown_permissions: Annotated[
        list[Permission],
        Field(
            max_length=MAX_PERMISSIONS, description="Of these no route asks: they allow nothing."
        ),
    ] = Field([])


class RoleQuery(ListQuery):
    """The list of roles."""

    sort: Literal["id", "-id", "name", "-name", "created_at", "-created_at"] = "id"
    name: Annotated[CleanText | None, Field(max_length=MAX_NAME)] = None


class UserRoleCreate(InputSchema):
    """Who gets which role, by their ids, as the admin site has it."""

    user_id: Annotated[RowId, JsonNumber]
    role_id: Annotated[RowId, JsonNumber]


class UserRoles(ReadSchema):
    """All roles of a user."""

    roles: Annotated[list[RoleRead], Field(max_length=MAX_ROLES)]


class RoleUser(ReadSchema):
    """Who has a role, and since when."""

    id: int
    user_id: int
    username: Annotated[str, Field(max_length=20)]
    created_at: datetime


class RoleUserQuery(ListQuery):
    """The list of those who have a role."""


class DeclaredPermissions(ReadSchema):
    """The permissions that routes ask for."""

    permissions: Annotated[
        dict[str, dict[str, str]],
        Field(
            description="By name: the routes that ask for it, and what they are called.",
            examples=[{"roles.manage": {"GET /api/v1/roles": "read_roles"}}],
        ),
    ]


class OwnPermissions(ReadSchema):
    """What the caller may do; a superuser may do everything."""

    permissions: Annotated[list[Permission], Field(max_length=MAX_ROLES * MAX_PERMISSIONS)]
    is_superuser: bool
