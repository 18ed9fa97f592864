"""Routes that need permissions, beside the application's own, and people who have some."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import APIRouter

from features.auth.permissions import Requires, SelfOr
from features.auth.principals import KnownUser
from features.roles.grants import forget_permissions
from features.roles.models import UserRole
from features.roles.tests.factories import write_role
from kernel.app import Application
from kernel.schemas import InputSchema, Message
from tests.accounts import Person
from tests.application import client_of, running

MANAGE, READ, WRITE, ACT = "roles.manage", "sample.read", "sample.write", "sample.act"
PRIVILEGES = (403, "You do not have enough privileges.")
BEYOND_OWN = (403, "This role may do more than you.")

router = APIRouter(tags=["sample"])


class Number(InputSchema):
    """A body."""

    number: int


@router.get("/sample/read", response_model=Message)
async def read_sample(caller: Annotated[KnownUser, Requires(READ)]) -> Message:
    return Message(message=caller.username)


@router.post("/sample/write", response_model=Message)
async def write_sample(values: Number, caller: Annotated[KnownUser, Requires(WRITE)]) -> Message:
    return Message(message=caller.username)


@router.get("/sample/both", response_model=Message, dependencies=[Requires(READ), Requires(WRITE)])
async def read_both() -> Message:
    return Message(message="both")


@router.get("/sample/also", response_model=Message, dependencies=[Requires(WRITE)])
async def read_also() -> Message:
    return Message(message="also")


@router.get("/sample/{username}/act", response_model=Message)
async def read_act(user_id: Annotated[int, SelfOr(ACT)]) -> Message:
    return Message(message=str(user_id))


@asynccontextmanager
async def sampled(values: Mapping[str, str]) -> AsyncIterator[Application]:
    """The application with these routes."""
    async with running(values, router) as app:
        yield app


@asynccontextmanager
async def in_another_process(values: Mapping[str, str], person: Person) -> AsyncIterator[Person]:
    """The same caller at an application of its own, as another process has it."""
    async with sampled(values) as app, client_of(app, Person) as elsewhere:
        elsewhere.headers["Authorization"] = person.headers["Authorization"]
        yield elsewhere


async def give(person: Person, *permissions: str) -> str:
    """Let the person have a new role with these permissions, past the API; its name."""
    role = await write_role(person, *permissions)
    async with person.app.state.resources.unit() as db:
        db.add(UserRole(user_id=person.id, role_id=role.id))
        forget_permissions(db, person.id)
    return role.name


def own(person: Person, role: str) -> str:
    """The path of a role that the person has or is to have."""
    return f"/api/v1/user/{person.username}/role/{role}"
