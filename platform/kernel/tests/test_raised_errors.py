"""A status that a route's code raises stands in the document without being written twice."""

from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from functools import partial
from typing import Annotated, Any, NoReturn

from fastapi import Depends, HTTPException, status
from fastapi.routing import APIRoute

from features.users import router as users
from kernel import errors
from kernel.cache.decorator import cache
from kernel.errors import ConflictException, ForbiddenException, NotFoundException
from kernel.web.raised_errors import errors_of

GONE = "The book is gone."
LENT = "The book is lent."


class Missing(NotFoundException):
    """A feature's own exception, with its own words."""

    def __init__(self, book: int) -> None:
        super().__init__(f"Book {book} is missing.")


def raised(
    endpoint: Callable[..., Any], method: str = "GET", **options: Any
) -> dict[int, list[str]]:
    return errors_of(APIRoute("/book/{id}", endpoint, methods=[method], **options))


def refuse(lent: bool) -> NoReturn:
    raise ConflictException(LENT if lent else GONE)


def forbidden() -> ForbiddenException:
    return ForbiddenException("Not yours.")


class Library:
    """A dependency that is a class, and one that is an object."""

    def __init__(self, id: int = 1) -> None:
        if id > 9:
            raise errors.BadRequestException("No such library.")

    def __call__(self, id: int) -> None:
        raise Missing(id)

    @staticmethod
    def lock() -> None:
        raise ConflictException(LENT)


async def borrowed(id: int) -> AsyncIterator[int]:
    if id == 3:
        raise HTTPException(status.HTTP_402_PAYMENT_REQUIRED, detail=f"Pay for {id} first.")
    yield id


async def test_every_way_to_raise_is_found() -> None:
    async def read(id: int) -> str:
        if id == 1:
            raise NotFoundException(GONE)
        if id == 2:
            raise forbidden()
        if id == 3:
            refuse(lent=True)
        if id == 4:
            raise errors.RateLimitException
        if id == 5:
            raise HTTPException(status_code=418)
        raise errors.UnprocessableEntityException(detail="An odd book.")

    assert raised(read) == {
        404: [GONE],
        403: ["Not yours."],
        409: [GONE, LENT],
        429: ["Rate limit exceeded."],
        418: [],
        422: ["An odd book."],
    }


async def test_dependencies_of_every_kind_are_read() -> None:
    async def read(
        id: int, library: Annotated[Library, Depends()], one: Annotated[int, Depends(borrowed)]
    ) -> str:
        Library.lock()
        return ""

    ways = [Depends(Library()), Depends(partial(refuse, True))]

    assert raised(read, dependencies=ways) == {
        400: ["No such library."],
        402: ["Pay for ... first."],
        404: [],
        409: [GONE, LENT],
    }


async def test_what_stands_behind_other_decorators_is_read() -> None:
    async def read(id: int) -> str:
        raise NotFoundException(GONE)

    assert raised(cache("book")(read))[404] == [GONE]


async def test_what_is_caught_or_runs_later_is_not_an_answer() -> None:
    async def read(id: int) -> str:
        def later() -> None:
            refuse(lent=True)

        with suppress(ConflictException):
            refuse(lent=True)
        try:
            refuse(lent=False)
        except (ConflictException, ValueError):
            return str(later)
        try:
            raise ForbiddenException("Told on.")
        except ForbiddenException as error:
            error.add_note("Told on.")
            raise
        return ""

    assert raised(read) == {403: ["Told on."]}


async def test_recursion_and_missing_source_end_the_search() -> None:
    async def read(id: int) -> str:
        return await read(id) if id else str(len(""))

    source = "async def made(id: int) -> str:\n    raise NotFoundException('x')\n"
    scope: dict[str, Any] = {"NotFoundException": NotFoundException, "__name__": "kernel.made"}
    exec(source, scope)  # noqa: S102 as a notebook or a generator would

    assert raised(read) == {}
    assert raised(scope["made"]) == {}
    assert raised(lambda id: refuse(True)) == {}


def test_what_constraints_answer_follows_from_the_tables_and_the_body() -> None:
    taken = ["Email is already registered", "Username not available"]
    assert set(taken) <= set(raised(users.write_user, "POST")[422])
    assert 422 not in raised(users.patch_user_role, "PATCH")
