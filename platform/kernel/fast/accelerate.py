"""The one entry: which shortcuts an application takes."""

from collections.abc import Collection

from fastapi import FastAPI, params
from fastapi.routing import request_response

from kernel.fast.dependencies import compiled_handler
from kernel.fast.dispatch import Dispatch
from kernel.web.router import FeatureRoute, Handler

SHORTCUTS = ("dependencies", "dispatch")


def accelerate(app: FastAPI, shortcuts: Collection[str] = SHORTCUTS) -> None:
    """Let the routes that stand in the application take these shortcuts.

    Call it before any other middleware is added, so that Dispatch is the innermost.
    """
    handlers: dict[int, Handler] = {}
    for route in app.router.routes:
        # A subclass has a handler of its own, a limit on its body a layer around it, and a form
        # is closed by a layer around the router.
        if type(route) is not FeatureRoute or route.max_body_size is not None:
            continue
        handler = compiled_handler(route) if "dependencies" in shortcuts else None
        if handler is not None:
            route.app = request_response(handler)
        form = route.body_field and isinstance(route.body_field.field_info, params.Form)
        if not form:
            handlers[id(route)] = handler or route.get_route_handler()
    if "dispatch" in shortcuts:
        app.add_middleware(Dispatch, of=app, handlers=handlers)
