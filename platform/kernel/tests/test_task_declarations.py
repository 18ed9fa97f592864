"""What may be declared as a task."""

from typing import Any

import pytest

from kernel.jobs import JobContext, task


async def without_arguments(ctx: JobContext) -> None:
    """Count."""


async def with_a_number(ctx: JobContext, number: int) -> None:
    """Count."""


async def without_a_type(ctx: JobContext, arguments) -> None:  # type: ignore[no-untyped-def]
    """Count."""


@pytest.mark.parametrize("function", [without_arguments, with_a_number, without_a_type])
def test_a_task_without_a_model_of_arguments_is_refused_with_what_to_write(function: Any) -> None:
    with pytest.raises(TypeError, match=r"posts\.count: a task takes ctx and a pydantic model"):
        task("posts.count")(function)
