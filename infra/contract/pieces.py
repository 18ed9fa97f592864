"""The OpenAPI document in pieces: each feature's share lies in its own tests folder.

A share is complete: the feature's operations and every schema that they refer to, but for those
of the kernel. So a deleted feature takes its share along, and no other file changes.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from fastapi.routing import APIRoute

from infra.checks import ROOT
from infra.contract.recorded import FEATURE_SHARE, KERNEL_SHARE, Json, recorded
from kernel.app import Application, create_application
from kernel.config.loader import Settings
from kernel.schemas.schemas import Message
from kernel.web.problems import Invalid, Problem

KERNEL_SCHEMAS = {model.__name__ for model in (Message, Problem, Invalid)}
REFERENCE = "#/components/schemas/"


def shares(app: Application) -> dict[str, Json]:
    """The application's document, as the content of each file of the snapshot."""
    rest = document(app)
    schemas = rest["components"]["schemas"]
    found: dict[str, Json] = {}
    taken: set[str] = set()
    for route in app.state.feature_routes:
        if not route.include_in_schema:
            continue
        share = found.setdefault(share_of(route), {"paths": {}, "schemas": {}})
        path, operations = route.path_format, rest["paths"][route.path_format]
        for method in map(str.lower, route.methods):
            share["paths"].setdefault(path, {})[method] = operations.pop(method)
        if not operations:
            del rest["paths"][path]
    for share in found.values():
        names = set(_reachable(share["paths"], schemas)) - KERNEL_SCHEMAS
        share["schemas"] = {name: schemas[name] for name in sorted(names)}
        taken |= names
    for name in taken:
        del schemas[name]
    return {KERNEL_SHARE: rest, **found}


def share_of(route: APIRoute) -> str:
    """The file that a route's share belongs in, by the feature that its function stands in."""
    return FEATURE_SHARE.format(feature=route.endpoint.__module__.split(".")[1])


def document(app: Application) -> Json:
    """The application's document, without what its settings say of it."""
    whole: Json = json.loads(json.dumps(app.openapi()))
    del whole["info"]
    return whole


def write(parts: dict[str, Json], root: Path = ROOT) -> None:
    """Write the files of the snapshot, and remove the share of a feature that has none now."""
    for file in set(recorded(root)) - set(parts):
        (root / file).unlink()
    for file, content in parts.items():
        write_share(file, content, root)


def write_share(file: str, content: Json, root: Path = ROOT) -> None:
    """Write one file of the snapshot."""
    (root / file).parent.mkdir(parents=True, exist_ok=True)
    (root / file).write_text(json.dumps(content, indent=2, sort_keys=True) + "\n")


def application(routers: Sequence[APIRouter] | None = None) -> Application:
    """The application as it is described: with the defaults of every setting, and these routers,
    by default those of all features."""
    app = create_application(Settings(), routers)
    # What a feature adds to the routes of all others is left out: else each share would go with it.
    app.state.resources.providers["extend_openapi"] = None
    return app


def _reachable(value: Any, schemas: Json) -> Iterator[str]:
    waiting, seen = list(_references(value)), set[str]()
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += _references(schemas[name])
            yield name


def _references(value: Any) -> Iterator[str]:
    children: Iterable[Any] = ()
    if isinstance(value, dict):
        target = value.get("$ref")
        if isinstance(target, str) and target.startswith(REFERENCE):
            yield target.removeprefix(REFERENCE)
        children = value.values()
    elif isinstance(value, list):
        children = value
    for child in children:
        yield from _references(child)
