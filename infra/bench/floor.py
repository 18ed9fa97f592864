"""The floor: Starlette, asyncpg and redis-py, the same SQL and Redis work, the same answers.

No validation, no signature check, no framework above the router. What it costs is what the work
itself costs, so it is what ours is measured against.
"""

import hashlib
import os
import sys
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import orjson
from arq.constants import (
    default_queue_name,
    expires_extra_ms,
    job_key_prefix,
    result_key_prefix,
    retry_key_prefix,
)
from fastapi import FastAPI
from pydantic import BaseModel
from redis.asyncio import Redis
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from infra.bench.cases import AUTHOR
from kernel import discovery
from kernel.cache.write_intents import ANNOUNCE as INTEND
from kernel.cache.write_intents import FORGET, INTENT_MS
from kernel.jobs.arq_queue import PUT as ENQUEUE
from kernel.rate_limit.sliding_log import ACQUIRE
from kernel.web.outer_middleware import SECURITY_HEADERS

USERS = """SELECT id, name, username, profile_image_url, tier_id,
 (SELECT count(*) FROM "user" WHERE is_deleted = false) AS total
 FROM "user" WHERE is_deleted = false ORDER BY id LIMIT $1 OFFSET $2"""
ME = """SELECT id, name, username, email, profile_image_url, tier_id FROM "user"
 WHERE username = $1 AND is_deleted = false"""


def ours(feature: str, name: str) -> tuple[str, dict[str, Any]]:
    """A statement of ours, which says what a row is; the floor only runs it."""
    crud = discovery.load("crud").get(feature)
    found: tuple[str, dict[str, Any]] = getattr(crud, name).sql if crud else ("", {})
    return found


CREATE, CREATE_VALUES = ours("posts", "insert_by_author")
ANNOUNCE, ANNOUNCE_VALUES = ours("tasks", "add")
counts: dict[tuple[str, int], int] = {}


class Chores:
    """What every answer of ours gets, too: id, headers, log line, count."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, request_id, status = time.perf_counter(), uuid.uuid4().hex, 0

        async def with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message["headers"],
                    (b"x-request-id", request_id.encode()),
                    *SECURITY_HEADERS.items(),
                ]
            await send(message)

        await self.app(scope, receive, with_headers)
        path, ms = scope["path"], round((time.perf_counter() - started) * 1e3, 1)
        counts[path, status] = counts.get((path, status), 0) + 1
        line = {
            "event": "request",
            "method": scope["method"],
            "path": path,
            "status": status,
            "ms": ms,
            "request_id": request_id,
            "timestamp": datetime.now().isoformat(),
        }
        sys.stderr.write(orjson.dumps(line).decode() + "\n")


def answer(body: bytes, etag: str, request: Request) -> Response:
    headers = {
        "ETag": etag,
        "Cache-Control": "public, max-age=30",
        "Vary": "Authorization, Cookie, X-API-Key",
    }
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type="application/json")


async def read_users(request: Request) -> Response:
    size, page = int(request.query_params["items_per_page"]), 1
    rows = await request.app.state.pool.fetch(USERS, size, 0)
    data = [{**row, "email": None} for row in rows]
    total = data[0]["total"]
    for row in data:
        del row["total"]
    data = [{key: row[key] for key in USER_FIELDS} for row in data]
    body = orjson.dumps(
        {
            "data": data,
            "total_count": total,
            "has_more": total > size,
            "page": page,
            "items_per_page": size,
        }
    )
    return answer(body, f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"', request)


USER_FIELDS = ("id", "name", "username", "email", "profile_image_url", "tier_id")


async def read_cached(request: Request) -> Response:
    entry = await request.app.state.redis.get(f"floor:{request.url.path}")
    etag, _, body = entry.partition(b"\n")
    return answer(body, etag.decode(), request)


async def read_me(request: Request) -> Response:
    row = await request.app.state.pool.fetchrow(ME, AUTHOR)
    body = orjson.dumps(dict(row))
    return Response(body, headers={"Cache-Control": "private, no-store"}, media_type=JSON)


JSON = "application/json"


async def create_post(request: Request) -> Response:
    values = {"media_url": None, "author_id": 1, **orjson.loads(await request.body())}
    token, state = uuid.uuid4().hex[:16], request.app.state
    async with state.pool.acquire() as connection, connection.transaction():
        row = await connection.fetchrow(CREATE, *_arguments(CREATE_VALUES, values))
        job = {
            "job_id": uuid.uuid4().hex,
            "function": "posts.announce",
            "queue": "default",
            "arguments": orjson.dumps({"post_id": row["id"], "author_id": 1}).decode(),
            "defer_by": timedelta(),
        }
        await connection.fetchval(ANNOUNCE, *_arguments(ANNOUNCE_VALUES, job))
        await state.redis.evalsha(INTEND.sha, 1, "v:floor", token, INTENT_MS)
    await state.redis.evalsha(FORGET.sha, 1, "v:floor", token)
    return Response(orjson.dumps(dict(row)), 201, media_type=JSON)


def _arguments(defaults: dict[str, Any], given: dict[str, Any]) -> list[Any]:
    return [given.get(name, default) for name, default in defaults.items()]


async def create_task(request: Request) -> Response:
    redis, job_id = request.app.state.redis, uuid.uuid4().hex
    taken = await redis.evalsha(ACQUIRE.sha, 1, "r:floor", 1, "", 10_000, 1_000_000)
    now, message = time.time_ns() // 1_000_000, request.query_params["message"]
    job = orjson.dumps({"t": 1, "f": "floor", "a": [], "k": {"message": message}, "et": now})
    keys = [default_queue_name, job_key_prefix, result_key_prefix, retry_key_prefix]
    await redis.evalsha(ENQUEUE.sha, 4, *keys, job_id, job, expires_extra_ms, now)
    headers = {"RateLimit": f'"default";r={taken[3]};t=1', "RateLimit-Policy": '"default";q=1;w=1'}
    return Response(orjson.dumps({"id": job_id}), 201, headers, JSON)


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    app.state.pool = await asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=15, max_size=15)
    app.state.redis = Redis.from_url(os.environ["REDIS_CACHE_URL"])
    for script in (ACQUIRE, INTEND, FORGET, ENQUEUE):
        await app.state.redis.script_load(script.source)
    yield
    await app.state.pool.close()
    await app.state.redis.aclose()


def _routes() -> list[Any]:
    return [
        Route("/api/v1/users", read_users),
        Route("/api/v1/user/me/", read_me),
        Route("/api/v1/tasks/task", create_task, methods=["POST"]),
        Route("/api/v1/{username}/post", create_post, methods=["POST"]),
        Route("/api/v1/{username}/post/{id}", read_cached),
        Route("/api/v1/{username}/posts", read_cached),
    ]


class Nothing(BaseModel):
    message: str


plain, fastapi = Starlette(routes=_routes(), lifespan=lifespan), FastAPI()


@fastapi.get("/api/v1/bench/no-op")
async def read_nothing() -> Nothing:
    return Nothing(message="nothing")


async def either(scope: Scope, receive: Receive, send: Send) -> None:
    """FastAPI answers its no-op, the floor of what only the framework costs; Starlette the rest."""
    nothing = scope["type"] == "http" and scope["path"].startswith("/api/v1/bench/")
    await (fastapi if nothing else plain)(scope, receive, send)


app = Chores(either)
