"""Typed events: what happened in one feature, handled by others in the same transaction."""

from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from typing import Any

from kernel import discovery
from kernel.db.unit_of_work import UnitOfWork

Handler = Callable[[Any, UnitOfWork], Awaitable[None]]


@cache
def registry() -> dict[type, list[Handler]]:
    """Every feature's handlers, by the class of the event. Raises DiscoveryError."""
    registry: dict[type, list[Handler]] = {}
    for handlers in discovery.offers("handlers", "handlers", Mapping).values():
        for event, functions in handlers.items():
            registry.setdefault(event, []).extend(functions)
    return registry


async def emit(unit: UnitOfWork, event: object) -> None:
    """Call every handler of the event's class, in order of feature name, inside the unit.

    A handler that raises undoes the emitter's transaction too.
    """
    for handler in registry().get(type(event), ()):
        await handler(event, unit)
