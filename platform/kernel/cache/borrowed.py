"""Parameters of dependencies, for names of cached answers: `{username}` of OwnUserId, say."""

import inspect
from collections.abc import Callable, Iterator
from typing import Annotated, Any, get_args, get_origin

from fastapi.params import Depends


def borrowed(endpoint: Callable[..., Any], names: set[str]) -> dict[str, inspect.Parameter]:
    """Those of these names that a dependency of the endpoint takes, as parameters by keyword."""
    asked = _of_dependencies(endpoint) if names else ()
    kind = inspect.Parameter.KEYWORD_ONLY
    return {one.name: one.replace(kind=kind) for one in asked if one.name in names}


def _of_dependencies(call: Callable[..., Any]) -> Iterator[inspect.Parameter]:
    for parameter in inspect.signature(call, eval_str=True).parameters.values():
        if (dependency := _dependency_of(parameter)) is not None:
            yield from inspect.signature(dependency, eval_str=True).parameters.values()
            yield from _of_dependencies(dependency)


def _dependency_of(parameter: inspect.Parameter) -> Callable[..., Any] | None:
    kind = parameter.annotation
    metadata = get_args(kind)[1:] if get_origin(kind) is Annotated else ()
    marks = [one for one in (*metadata, parameter.default) if isinstance(one, Depends)]
    return marks[-1].dependency if marks else None
