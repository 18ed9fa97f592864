"""Answers a cache hit before routing and dependencies, where nothing stands between.

A route that has a limiter or a permission is answered behind them, by `@cache` itself.
"""

import re
from collections.abc import Iterable

from fastapi.dependencies.models import Dependant
from starlette.types import ASGIApp, Receive, Scope, Send

from kernel.cache import MISSED, Policy, policy_of
from kernel.client_cache import allows, is_known, is_public, public_headers
from kernel.context import context_of
from kernel.routing import FeatureRoute, unit_of_work

Candidate = tuple[re.Pattern[str], FeatureRoute, Policy | None]


class CachedAnswers:
    """ASGI middleware inside all others; misses go on to the application."""

    def __init__(self, app: ASGIApp, routes: Iterable[FeatureRoute]) -> None:
        self._app = app
        # By the number of segments; with each cached route all that stand before it, since one of
        # them may be the more literal owner of the path.
        self._table: dict[int, list[Candidate]] = {}
        for route in routes:
            if "GET" in (route.methods or ()):
                policy = policy_of(route) if not _has_guards(route.dependant) else None
                candidate = (route.path_regex, route, policy)
                self._table.setdefault(route.path.count("/"), []).append(candidate)
        for segments, candidates in list(self._table.items()):
            if not any(policy for _, _, policy in candidates):
                del self._table[segments]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "GET":
            for regex, route, policy in self._table.get(scope["path"].count("/"), ()):
                matched = regex.match(scope["path"])
                if matched is None:
                    continue
                if policy is not None and await self._hit(scope, send, route, policy, matched):
                    return
                break
        await self._app(scope, receive, send)

    async def _hit(
        self,
        scope: Scope,
        send: Send,
        route: FeatureRoute,
        policy: Policy,
        matched: re.Match[str],
    ) -> bool:
        place = policy.place(scope, matched.groupdict())
        if place is None:
            return False
        versions = context_of(scope).resources.versions
        entry, ticket = await versions.read(place.key, place.names)
        if entry is None:
            scope[MISSED] = ticket
            return False
        scope["route"] = route
        etag, _, body = entry.partition(b"\n")
        headers = [(b"content-type", b"application/json")]
        status = 200
        if is_public(route.endpoint) and allows(scope):
            tag = etag.decode()
            public = public_headers(scope, tag)
            headers += [(key.lower().encode(), value.encode()) for key, value in public.items()]
            if is_known(scope, tag):
                status, body, headers = 304, b"", headers[1:]
        if status == 200:
            headers.append((b"content-length", str(len(body)).encode()))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})
        return True


def _has_guards(dependant: Dependant) -> bool:
    """Whether anything but the unit of work is asked before the endpoint."""
    return any(
        dependency.call is not unit_of_work or _has_guards(dependency)
        for dependency in dependant.dependencies
    )


def namespace_depths(routes: Iterable[FeatureRoute]) -> set[int]:
    """How many parts the forgotten namespaces have: those prefixes of a name need versions."""
    policies = [policy for route in routes if (policy := policy_of(route))]
    return {pattern.count(":") for policy in policies for pattern in policy.patterns}
