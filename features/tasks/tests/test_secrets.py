"""What is shown of a job's arguments holds no secret."""

from typing import Any

from pydantic import BaseModel, SecretBytes, SecretStr

from features.tasks.queued import without_secrets


class Inner(BaseModel):
    key: SecretBytes


class Outer(BaseModel):
    inner: list[Inner]
    by_name: dict[str, SecretStr]


def test_secrets_within_arguments_are_not_shown() -> None:
    kept: dict[str, Any] = {"inner": [{"key": "hush"}], "by_name": {"a": "hush"}}

    assert "hush" not in str(without_secrets(Outer, kept))
    assert without_secrets(Outer, {"renamed": "hush"}) == {"renamed": None}
