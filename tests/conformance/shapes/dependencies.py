"""Dependencies: functions, classes, instances, security, order, caching, overrides."""

import functools
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Header, HTTPException, Request, Response, Security
from fastapi.security import (
    APIKeyCookie,
    APIKeyHeader,
    APIKeyQuery,
    HTTPAuthorizationCredentials,
    HTTPBasic,
    HTTPBasicCredentials,
    HTTPBearer,
    OAuth2PasswordBearer,
    OAuth2PasswordRequestForm,
    SecurityScopes,
)
from pydantic import BaseModel
from starlette.requests import HTTPConnection

from tests.conformance.comparison import After, Trace, get, post, shape

JSON = {"Content-Type": "application/json"}


@shape(get("/f?q=a"), get("/f"), get("/c?skip=1"), get("/c?skip=x"), get("/i?word=ab"), get("/p"))
def kinds_of_callables(router: APIRouter, _: Trace) -> None:
    async def word(q: str = "none") -> str:
        return q

    class Paging:
        def __init__(self, skip: int = 0, limit: int = 10) -> None:
            self.skip, self.limit = skip, limit

    class Contains:
        def __init__(self, part: str) -> None:
            self.part = part

        def __call__(self, word: str = "") -> bool:
            return self.part in word

    def scaled(factor: int, size: int = 2) -> int:
        return factor * size

    @router.get("/f")
    def read(value: Annotated[str, Depends(word)]) -> str:
        return value

    @router.get("/c")
    def read_class(paging: Annotated[Paging, Depends()]) -> list[int]:
        return [paging.skip, paging.limit]

    @router.get("/i")
    async def read_instance(found: Annotated[bool, Depends(Contains("a"))]) -> bool:
        return found

    @router.get("/p")
    def read_partial(size: Annotated[int, Depends(functools.partial(scaled, 3))]) -> int:
        return size


@shape(get("/n?a=1&b=2"), get("/n?a=x&b=y"), get("/cached"), get("/uncached"), get("/bounded"))
def nested_and_cached(router: APIRouter, trace: Trace) -> None:
    def count() -> int:
        trace.append("counted")
        return len(trace)

    def left(a: int, n: Annotated[int, Depends(count)]) -> int:
        return a + n

    async def right(b: int, n: Annotated[int, Depends(count)]) -> int:
        return b + n

    @router.get("/n")
    def read(x: Annotated[int, Depends(left)], y: Annotated[int, Depends(right)]) -> list[int]:
        return [x, y]

    @router.get("/cached", dependencies=[Depends(count), Depends(count)])
    def read_cached(n: Annotated[int, Depends(count)]) -> int:
        return n

    @router.get("/bounded", dependencies=[Depends(count, max_concurrency=1)])
    async def read_bounded() -> str:
        return "one at a time"

    @router.get("/uncached", dependencies=[Depends(count)])
    def read_uncached(n: Annotated[int, Depends(count, use_cache=False)]) -> int:
        return n


@shape(get("/state", headers={"X-User": "ada"}), get("/state"), get("/guard"), get("/guard?n=x"))
def dependencies_run_in_declared_order(router: APIRouter, trace: Trace) -> None:
    def who(request: Request, x_user: Annotated[str, Header()] = "unknown") -> None:
        trace.append("who")
        request.state.user = x_user

    async def greet(request: Request) -> str:
        trace.append("greet")
        return f"hello {request.state.user}"

    async def guard(connection: HTTPConnection) -> None:
        trace.append("guard")
        raise HTTPException(401, "no", headers={"WWW-Authenticate": "Bearer"})

    def work(n: int = 1) -> int:
        trace.append("work")
        return n

    @router.get("/state", dependencies=[Depends(who)])
    def read(greeting: Annotated[str, Depends(greet)]) -> str:
        return greeting

    @router.get("/guard")
    def read_guarded(n: Annotated[int, Depends(work)], _: Annotated[None, Depends(guard)]) -> int:
        return n


@shape(
    post("/b?n=x", content=b"{", headers=JSON),
    post("/b?n=x", json={"n": "y"}),
    post("/b?n=1", json={"n": 1}),
    post("/d", content=b"{", headers=JSON),
    post("/d", json={"n": 2}),
)
def dependencies_and_the_body(router: APIRouter, trace: Trace) -> None:
    class Values(BaseModel):
        n: int

    def guard() -> None:
        trace.append("guard")
        if not trace:
            raise HTTPException(403)

    async def reads_body(request: Request) -> int:
        trace.append("reads")
        return len(await request.body())

    @router.post("/b", dependencies=[Depends(guard)])
    def write(n: int, values: Values) -> list[int]:
        return [n, values.n]

    @router.post("/d")
    def write_read(size: Annotated[int, Depends(reads_body)], values: Values) -> list[int]:
        return [size, values.n]


oauth2 = OAuth2PasswordBearer(tokenUrl="login", scopes={"me": "read me", "items": "read items"})


@shape(
    get("/me"),
    get("/me", headers={"Authorization": "Basic x"}),
    get("/me", headers={"Authorization": "Bearer tok"}),
    get("/items", headers={"Authorization": "bearer tok"}),
    get("/dep", headers={"Authorization": "Bearer tok"}),
)
def security_scopes(router: APIRouter, trace: Trace) -> None:
    def user(scopes: SecurityScopes, token: Annotated[str, Depends(oauth2)]) -> list[str]:
        trace.append(scopes.scope_str)
        return [token, *scopes.scopes]

    def active(user: Annotated[list[str], Security(user, scopes=["me"])]) -> list[str]:
        return user

    @router.get("/me")
    def read(user: Annotated[list[str], Security(active)]) -> list[str]:
        return user

    @router.get("/items")
    def read_items(
        first: Annotated[list[str], Security(active, scopes=["items"])],
        second: Annotated[list[str], Security(active, scopes=["items", "me"])],
    ) -> list[list[str]]:
        return [first, second]

    @router.get("/dep", dependencies=[Security(user, scopes=["items"])])
    def read_dependency() -> str:
        return "ok"


@shape(
    get("/basic"),
    get("/basic", headers={"Authorization": "Basic YTpi"}),
    get("/basic", headers={"Authorization": "Basic !"}),
    get("/bearer"),
    get("/bearer", headers={"Authorization": "Bearer x"}),
    get("/key"),
    get("/key?key=k", headers={"X-Key": "k", "Cookie": "key=k"}),
    get("/optional"),
    post("/login", data={"username": "a", "password": "b", "grant_type": "password"}),
    post("/login", data={"username": "a"}),
)
def security_schemes(router: APIRouter, _: Trace) -> None:
    @router.get("/basic")
    def read_basic(who: Annotated[HTTPBasicCredentials, Depends(HTTPBasic())]) -> str:
        return who.username

    @router.get("/bearer")
    def read_bearer(
        who: Annotated[HTTPAuthorizationCredentials, Depends(HTTPBearer())],
    ) -> HTTPAuthorizationCredentials:
        return who

    @router.get("/key")
    def read_key(
        one: Annotated[str, Security(APIKeyQuery(name="key"))],
        two: Annotated[str, Security(APIKeyHeader(name="X-Key"))],
        three: Annotated[str, Security(APIKeyCookie(name="key"))],
    ) -> list[str]:
        return [one, two, three]

    @router.get("/optional")
    def read_optional(
        token: Annotated[str | None, Depends(OAuth2PasswordBearer("t", auto_error=False))],
    ) -> str | None:
        return token

    @router.post("/login")
    def login(form: Annotated[OAuth2PasswordRequestForm, Depends()]) -> list[str]:
        return [form.username, form.password]


def setting() -> str:
    return "real"


@shape(get("/o"), get("/deep"), get("/untouched"))
def dependency_overrides(router: APIRouter, _: Trace) -> After:
    def outer(value: Annotated[str, Depends(setting)]) -> str:
        return "outer " + value

    @router.get("/o")
    def read(value: Annotated[str, Depends(setting)]) -> str:
        return value

    @router.get("/deep", dependencies=[Depends(setting)])
    async def read_deep(value: Annotated[str, Depends(outer)]) -> str:
        return value

    @router.get("/untouched")
    def read_untouched(n: int = 1) -> int:
        return n

    def override(app: FastAPI) -> None:
        app.dependency_overrides[setting] = lambda: "fake"

    return override


@shape(get("/o"), get("/o?fake=1"))
def overrides_with_other_parameters(router: APIRouter, _: Trace) -> After:
    async def fake(fake: int, response: Response) -> str:
        response.headers["X-Fake"] = str(fake)
        return "fake"

    @router.get("/o")
    def read(value: Annotated[str, Depends(setting)]) -> str:
        return value

    def override(app: FastAPI) -> None:
        app.dependency_overrides = {setting: fake}

    return override


@shape(get("/o"))
def overrides_taken_back(router: APIRouter, _: Trace) -> After:
    @router.get("/o")
    def read(value: Annotated[str, Depends(setting)]) -> str:
        return value

    def override(app: FastAPI) -> None:
        app.dependency_overrides[setting] = lambda: "fake"
        app.dependency_overrides = {}

    return override


@shape(get("/e"), get("/e?n=x"), get("/s"), get("/raise"))
def dependency_errors(router: APIRouter, trace: Trace) -> None:
    def needs(n: int) -> int:
        trace.append("needs")
        return n

    def fails() -> None:
        trace.append("fails")
        raise HTTPException(418, detail={"code": 7}, headers={"X-Tea": "pot"})

    def breaks() -> None:
        raise ZeroDivisionError

    @router.get("/e")
    def read(n: Annotated[int, Depends(needs)], _: Annotated[None, Depends(fails)]) -> int:
        return n

    @router.get("/s", dependencies=[Depends(fails), Depends(needs)])
    def read_second() -> None: ...

    @router.get("/raise", dependencies=[Depends(breaks)])
    def read_broken() -> Any: ...
