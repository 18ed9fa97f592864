"""Features are found by their folder, their parts by file name."""

import inspect
from collections.abc import Callable
from functools import cache, partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from pkgutil import resolve_name
from traceback import walk_tb
from types import ModuleType
from typing import Any

import features


class DiscoveryError(Exception):
    """A feature's file lacks what it must offer, or offers something else."""


def names() -> list[str]:
    """The features, in alphabetical order: every package in features/.

    Raises DiscoveryError for a folder with Python files that isn't a package: Python would import
    from it, and Alembic and the application would pass it over.
    """
    found = sorted({file.parent for one in features.__path__ for file in Path(one).glob("*/*.py")})
    for folder in found:
        if not (folder / "__init__.py").exists():
            guide = "See docs/gates.md#a-folder-that-is-no-package"
            where = f"features/{folder.name} has no __init__.py"
            raise DiscoveryError(f"{where}; an empty one will do. {guide}")
    return [folder.name for folder in found]


@cache
def load(file: str) -> dict[str, ModuleType]:
    """Import `features/<name>/<file>.py` of each feature that has it, by feature name.

    A missing file is skipped; one that fails to import stops the start, so that there is never
    half an application.
    """
    modules: dict[str, ModuleType] = {}
    for name in names():
        module = f"features.{name}.{file}"
        if find_spec(module) is not None:
            try:
                modules[name] = import_module(module)
            except ValueError as error:
                if field := _field_without_column(error):
                    raise DiscoveryError(f"{field}: {error}; give it Field(sa_type=...)") from error
                raise
    return modules


def _field_without_column(error: ValueError) -> str | None:
    """The field at which SQLModel found no column type; None for any other error."""
    if "no matching SQLAlchemy type" in str(error):
        for frame, _ in walk_tb(error.__traceback__):
            model = frame.f_locals.get("new_cls")
            if model is not None:
                return f"{model.__module__}.{model.__name__}.{frame.f_locals.get('k')}"
    return None


def offers(file: str, attribute: str, kind: type | tuple[type, ...] = object) -> dict[str, Any]:
    """What each feature's file offers under that name, by feature name.

    Raises DiscoveryError when the attribute is missing or not of that kind.
    """
    found: dict[str, Any] = {}
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


# What the kernel asks of features; providers.py of one feature offers it as `providers[name]`, of
# what is in OF_SEVERAL each that wants to.
OF_SEVERAL = ("extend_openapi",)
PROVIDERS = {
    "identify": "who is calling: (HTTPConnection) -> Principal | None",
    "identify_by_key": "who sends an API key; asked by `identify`, as `identify` is",
    "extend_openapi": "what it adds to the OpenAPI document: (document, routes) -> None",
    "verify_basic": "who sends an HTTP Basic header: (HTTPConnection) -> Principal | None",
    "permissions_of": "what a user may do: (RequestContext, user id) -> names of permissions",
    "kept_permissions_of": "the same from a cache, without SQL; None for what isn't kept",
    "rules_of": "the rate limits of a tier: (UnitOfWork, tier id) -> rules by path",
    "actor_settings": "what transactions of writes by privilege are begun with, as settings of "
    "PostgreSQL: (user id, request id) -> values by name",
    "further_step": "what a login asks for after the password: see features/auth/further_step.py",
    "outbox": "the keeper of durable jobs: see kernel.jobs.outbox",
    "guards": "what a route depends on besides: (Settings, APIRoute) -> list of Depends",
    "mail_previews": "what mails look like: () -> subject, text, html, problem by template",
}


@cache
def providers() -> dict[str, Any]:
    """What features offer the kernel, by name.

    Raises DiscoveryError for a name that the kernel doesn't ask for, and for one that two
    features offer: neither could be preferred.
    """
    found: dict[str, Any] = {}
    for feature, offered in offers("providers", "providers", dict).items():
        for name, value in offered.items():
            where = f"features/{feature}/providers.py offers {name}"
            if name not in PROVIDERS:
                raise DiscoveryError(f"{where}; the kernel asks for {', '.join(PROVIDERS)}")
            if name in OF_SEVERAL:
                found.setdefault(name, []).append(value)
            elif name in found:
                raise DiscoveryError(f"{where}, and another feature does, too")
            else:
                found[name] = value
    return found


def provider(name: str) -> Any | None:
    """What a feature offers the kernel under that name, or of OF_SEVERAL what they offer; None when
    none does.

    It may be named as `package.module:object`, which is loaded by the first process that asks.
    """
    found = providers().get(name)
    if name in OF_SEVERAL and found is not None:
        return [_resolved(one) for one in found]
    return _resolved(found)


def _resolved(value: Any) -> Any:
    return resolve_name(value) if isinstance(value, str) else value


def source_of(call: Callable[..., Any]) -> str:
    """Where a function, or the class of a callable object, is written: `file:line`."""
    inner = call
    function = inspect.unwrap(inner.func if isinstance(inner, partial) else inner)
    code = getattr(function, "__code__", None) or getattr(type(call).__call__, "__code__", None)
    return f"{code.co_filename}:{code.co_firstlineno}" if code else repr(call)
