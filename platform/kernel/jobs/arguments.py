"""What a job is told, between who queues it and the worker: as JSON, with nothing lost."""

import math
from typing import Any

from pydantic import BaseModel, SecretBytes, SecretStr

Value = dict[Any, Any] | list[Any] | tuple[Any, ...] | SecretStr | SecretBytes | float | str | None


def as_json(arguments: BaseModel) -> dict[str, Any]:
    """The arguments as a queue keeps them. Secrets are in clear: the worker needs them."""
    plain, shown = arguments.model_dump(), arguments.model_dump(mode="json")
    return shown if plain == shown else _kept(plain, shown)  # most are numbers and text


def _kept(value: Value, shown: Value) -> Any:
    """The value as pydantic shows it in JSON, but for what it doesn't show."""
    if isinstance(value, SecretStr | SecretBytes):
        secret = value.get_secret_value()
        return secret.decode() if isinstance(secret, bytes) else secret
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # JSON has no such number
    if isinstance(value, dict) and isinstance(shown, dict) and len(value) == len(shown):
        pairs = zip(shown.items(), value.values(), strict=True)
        return {name: _kept(one, its) for (name, its), one in pairs}
    if isinstance(value, list | tuple) and isinstance(shown, list):
        return [_kept(one, its) for one, its in zip(value, shown, strict=True)]
    return shown
