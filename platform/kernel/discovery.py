"""Features are found by their folder, their parts by file name."""

from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import features


class DiscoveryError(Exception):
    """A feature's file lacks what it must offer, or offers something else."""


def names() -> list[str]:
    """The features, in alphabetical order: every package in features/."""
    folders = (Path(entry) for entry in features.__path__)
    found = {path.parent.name for folder in folders for path in folder.glob("*/__init__.py")}
    return sorted(found)


@cache
def load(file: str) -> dict[str, ModuleType]:
    """Import `features/<name>/<file>.py` of each feature that has it, by feature name.

    A missing file is skipped; one that fails to import stops the start, so that there is never
    half an application.
    """
    modules = {}
    for name in names():
        module = f"features.{name}.{file}"
        if find_spec(module) is not None:
            modules[name] = import_module(module)
    return modules


def offers(file: str, attribute: str, kind: type | tuple[type, ...] = object) -> dict[str, Any]:
    """What each feature's file offers under that name, by feature name.

    Raises DiscoveryError when the attribute is missing or not of that kind.
    """
    found = {}
    for name, module in load(file).items():
        value = getattr(module, attribute, None)
        if value is None or not isinstance(value, kind):
            expected = getattr(kind, "__name__", str(kind))
            raise DiscoveryError(
                f"features/{name}/{file}.py must offer `{attribute}` ({expected}), "
                f"not {type(value).__name__}"
            )
        found[name] = value
    return found


def offered_once(file: str, attribute: str) -> Any | None:
    """What one feature offers under that name; None when none does.

    Raises DiscoveryError when two do: neither could be preferred.
    """
    found = {
        name: getattr(module, attribute)
        for name, module in load(file).items()
        if hasattr(module, attribute)
    }
    if len(found) > 1:
        raise DiscoveryError(f"Only one feature may offer {file}.{attribute}: {', '.join(found)}")
    return next(iter(found.values()), None)
