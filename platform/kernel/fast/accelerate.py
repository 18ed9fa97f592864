"""The one entry: which shortcuts an application takes."""

from collections.abc import Callable, Collection

from fastapi import FastAPI, params
from fastapi.routing import request_response
from starlette.types import ASGIApp

from kernel.fast.dependencies import compiled_handler
from kernel.fast.dispatch import Dispatch
from kernel.fast.layers import without_outer_layers
from kernel.web.router import FeatureRoute, Handler

SHORTCUTS = ("dependencies", "index", "layers")


def accelerate(
    app: FastAPI, shortcuts: Collection[str] = SHORTCUTS
) -> Callable[[ASGIApp], ASGIApp]:
    """Let the routes that stand in the application take these shortcuts; returns what to make of
    the stack that FastAPI builds.

    Call it before any other middleware is added, so that Dispatch is the innermost. "layers" needs
    "index".
    """
    handlers: dict[int, Handler] = {}
    for route in app.router.routes:
        # A subclass has a handler of its own, a limit on its body a layer around it.
        if type(route) is not FeatureRoute or route.max_body_size is not None:
            continue
        handler = compiled_handler(route) if "dependencies" in shortcuts else None
        if handler is not None:
            route.app = request_response(handler)
        # A form is closed by a layer around the router.
        form = route.body_field and isinstance(route.body_field.field_info, params.Form)
        if not form:
            handlers[id(route)] = handler or route.get_route_handler()
    if "index" in shortcuts and "layers" in shortcuts:
        app.add_middleware(Dispatch, of=app, handlers=handlers, in_front=True)
        return lambda stack: without_outer_layers(app, stack)
    if "index" in shortcuts:
        inner = app.router.middleware_stack
        app.router.middleware_stack = Dispatch(inner, app, handlers, in_front=False)
    return lambda stack: stack
