"""Dependencies with `yield`: both scopes, sync and async, nested, and errors at every moment."""

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel

from kernel.errors import ConflictException, NotFoundException
from tests.conformance.comparison import Trace, get, post, shape

ERRORS: dict[str, Callable[[], Exception]] = {
    "http": lambda: HTTPException(404, "not here"),
    "own": lambda: NotFoundException("not ours"),
    "validation": lambda: RequestValidationError(
        [{"loc": ("body", "x"), "msg": "wrong", "type": "odd", "input": 1}]
    ),
    "value": lambda: ValueError("oops"),
}
CASES = tuple(get(f"/e/{name}") for name in ("none", *ERRORS))


def fail(name: str) -> None:
    if name in ERRORS:
        raise ERRORS[name]()


def add_endpoints(router: APIRouter, trace: Trace, *dependencies: Any) -> None:
    async def read(error: str) -> str:
        trace.append("endpoint")
        fail(error)
        return "fine"

    router.get("/e/{error}", dependencies=[*dependencies])(read)


def watching(trace: Trace, name: str) -> Callable[[], Iterator[str]]:
    """A dependency that commits unless an exception arrives, as the docs' session does."""

    def watch() -> Iterator[str]:
        trace.append(f"{name} begins")
        try:
            yield name
        except Exception as error:
            trace.append(f"{name} rolls back: {type(error).__name__}")
            raise
        trace.append(f"{name} commits")

    return watch


def watching_async(trace: Trace, name: str) -> Callable[[], AsyncIterator[str]]:
    async def watch() -> AsyncIterator[str]:
        trace.append(f"{name} begins")
        try:
            yield name
        except Exception as error:
            trace.append(f"{name} rolls back: {type(error).__name__}")
            raise
        finally:
            trace.append(f"{name} ends")

    return watch


@shape(*CASES)
def request_scope_sync(router: APIRouter, trace: Trace) -> None:
    add_endpoints(router, trace, Depends(watching(trace, "session")))


@shape(*CASES)
def request_scope_async(router: APIRouter, trace: Trace) -> None:
    add_endpoints(router, trace, Depends(watching_async(trace, "session")))


@shape(*CASES)
def function_scope_sync(router: APIRouter, trace: Trace) -> None:
    add_endpoints(router, trace, Depends(watching(trace, "session"), scope="function"))


@shape(*CASES)
def function_scope_async(router: APIRouter, trace: Trace) -> None:
    add_endpoints(router, trace, Depends(watching_async(trace, "session"), scope="function"))


@shape(*CASES)
def both_scopes_in_order(router: APIRouter, trace: Trace) -> None:
    add_endpoints(
        router,
        trace,
        Depends(watching(trace, "first"), scope="request"),
        Depends(watching_async(trace, "second"), scope="function"),
        Depends(watching(trace, "third"), scope="request"),
        Depends(watching(trace, "fourth"), scope="function"),
    )


@shape(*CASES)
def nested_yields(router: APIRouter, trace: Trace) -> None:
    outer = watching(trace, "outer")

    async def inner(value: Annotated[str, Depends(outer)]) -> AsyncIterator[str]:
        trace.append(f"inner of {value}")
        try:
            yield "inner"
        except HTTPException:
            trace.append("inner sees HTTPException")
            raise
        finally:
            trace.append("inner ends")

    add_endpoints(router, trace, Depends(inner))


@shape(*CASES)
def translating_yields(router: APIRouter, trace: Trace) -> None:
    def translate() -> Iterator[None]:
        try:
            yield
        except HTTPException as error:
            raise HTTPException(409, "translated") from error
        except ValueError as error:
            raise ConflictException("not that value") from error

    add_endpoints(router, trace, Depends(translate))


@shape(*CASES)
def translating_yields_of_a_function(router: APIRouter, trace: Trace) -> None:
    async def translate() -> AsyncIterator[None]:
        try:
            yield
        except (HTTPException, ValueError) as error:
            raise HTTPException(410, "translated") from error

    add_endpoints(router, trace, Depends(translate, scope="function"))


@shape(*CASES)
def swallowing_yields(router: APIRouter, trace: Trace) -> None:
    def swallow() -> Iterator[None]:
        try:
            yield
        except Exception:  # noqa: BLE001 what this shape is about
            trace.append("swallowed")

    add_endpoints(router, trace, Depends(swallow))


@shape(*CASES)
def swallowing_yields_of_a_function(router: APIRouter, trace: Trace) -> None:
    async def swallow() -> AsyncIterator[None]:
        try:
            yield
        except Exception:  # noqa: BLE001 what this shape is about
            trace.append("swallowed")

    add_endpoints(router, trace, Depends(swallow, scope="function"))


@shape(*CASES)
def failing_before_the_endpoint(router: APIRouter, trace: Trace) -> None:
    def second(error: str) -> Iterator[None]:
        fail(error)
        yield
        trace.append("second ends")

    add_endpoints(router, trace, Depends(watching(trace, "first")), Depends(second))


@shape(*CASES)
def failing_after_the_answer(router: APIRouter, trace: Trace) -> None:
    def late(error: str) -> Iterator[None]:
        yield
        trace.append("late")
        fail(error)

    add_endpoints(router, trace, Depends(watching(trace, "first")), Depends(late))


@shape(*CASES)
def failing_after_the_endpoint(router: APIRouter, trace: Trace) -> None:
    async def late(error: str) -> AsyncIterator[None]:
        yield
        trace.append("late")
        fail(error)

    first, second = watching(trace, "request"), watching(trace, "function")
    add_endpoints(
        router,
        trace,
        Depends(first),
        Depends(second, scope="function"),
        Depends(late, scope="function"),
    )


@shape(get("/m"), get("/m?n=x"), get("/ok"))
def failing_response_model(router: APIRouter, trace: Trace) -> None:
    class Out(BaseModel):
        n: int

    session = watching(trace, "session")

    @router.get("/m", response_model=Out, dependencies=[Depends(session)])
    def read(n: int = 1) -> Any:
        return {"n": "no number"}

    @router.get("/ok", response_model=Out)
    def read_ok(name: Annotated[str, Depends(session, scope="function")]) -> Any:
        trace.append(name)
        return {"n": 1}


@shape(post("/w"), post("/w?n=x"), post("/w?n=-1"))
def yields_with_validation(router: APIRouter, trace: Trace) -> None:
    @router.post("/w", dependencies=[Depends(watching(trace, "session"))])
    def write(response: Response, n: int = 1) -> int:
        if n < 0:
            raise HTTPException(422, "negative", headers={"X-N": str(n)})
        response.status_code = 201
        return n


@shape(get("/c"))
def class_with_yielding_call(router: APIRouter, trace: Trace) -> None:
    class Lease:
        async def __call__(self) -> AsyncIterator[int]:
            trace.append("leased")
            yield 5
            trace.append("given back")

    @router.get("/c")
    def read(
        one: Annotated[int, Depends(Lease())],
        two: Annotated[int, Depends(Lease(), use_cache=False)],
    ) -> int:
        trace.append("endpoint")
        return one + two
