"""A job's arguments arrive as they were given, whichever way the job is queued."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import BaseModel, SecretBytes, SecretStr, create_model

from kernel import jobs
from kernel.jobs import JobContext
from kernel.jobs.declare import Task
from kernel.resources import Resources
from tests.accounts import Person
from tests.column_types.kinds import KINDS, Kind
from tests.jobs import Declare, RunJobs
from tests.needs import needs

EXTREMES = {"huge": (int, 10**40), "endless": (float, float("-inf")), "none": (float, float("nan"))}


def told(kinds: list[Kind]) -> tuple[type[BaseModel], dict[str, Any]]:
    """A model with a list of each kind's values, and the values."""
    fields = {kind.name.replace(" ", "_").lower(): kind for kind in kinds}
    shapes: dict[str, Any] = {name: (list[kind.body], ...) for name, kind in fields.items()}  # type: ignore[name-defined]
    shapes |= {name: (kind, ...) for name, (kind, _) in EXTREMES.items()}
    values: dict[str, Any] = {name: list(kind.values) for name, kind in fields.items()}
    values |= {name: value for name, (_, value) in EXTREMES.items()}
    return create_model("Told", **shapes), values


@pytest.fixture
def received(declare: Declare) -> list[Any]:
    """What the task `tasks.types` was told."""
    found: list[Any] = []
    model, _ = told(KINDS)

    async def receive(ctx: JobContext, arguments: Any) -> None:
        found.append(arguments)

    receive.__annotations__["arguments"] = model
    declare("tasks.types")(receive)
    return found


@needs("tasks")  # whose routes show jobs
@pytest.mark.parametrize("durable", [True, False], ids=["with the transaction", "after it"])
async def test_arguments_of_every_type_reach_the_task(
    resources: Resources, received: list[Any], run_jobs: RunJobs, superuser: Person, durable: bool
) -> None:
    _, values = told(KINDS)
    async with resources.unit() as db:
        if durable:
            job_id = await jobs.add(db, "tasks.types", **values)
        else:
            job_id = jobs.enqueue_after_commit(db, "tasks.types", **values)

    waiting = await superuser.get(f"/api/v1/jobs/{job_id}")
    await run_jobs()
    ended = await superuser.get(f"/api/v1/jobs/{job_id}")

    [arguments] = received
    found = vars(arguments)
    assert str(found.pop("none")) == str(values.pop("none")) == "nan"
    assert found == values
    for answer in (waiting, ended):
        assert answer.status_code == 200, answer.text
        assert "hush" not in answer.text
    assert ended.json()["status"] == "complete", ended.text


def test_no_key_holds_a_secret() -> None:
    class Login(BaseModel):
        password: SecretStr | None = None

    async def log_in(ctx: JobContext, arguments: Login) -> None: ...

    with pytest.raises(TypeError, match=r"users.login: password is a secret"):
        jobs.task("users.login", unique="{password}")(log_in)
    assert isinstance(jobs.task("users.login")(log_in), Task)


def test_secrets_within_arguments_are_kept() -> None:
    class Inner(BaseModel):
        key: SecretBytes
        waits: timedelta = timedelta(1)

    class Outer(BaseModel):
        inner: list[Inner]
        by_name: dict[str, SecretStr]

    given = Outer(inner=[Inner(key=SecretBytes(b"hush"))], by_name={"a": SecretStr("hush")})

    kept = jobs.arguments.as_json(given)

    assert Outer.model_validate(kept) == given
