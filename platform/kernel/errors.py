"""Exceptions for feature authors: each becomes a problem of its status, with an optional detail."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, ClassVar

from starlette.exceptions import HTTPException

RATE_LIMIT_EXCEEDED = "Rate limit exceeded."
# By RFC 9110; Python's words for them depend on its version.
PHRASES = {413: "Content Too Large", 422: "Unprocessable Content"}
RETRY_AFTER = 2  # seconds; a cut connection or a restarted server is back by then


class CustomException(HTTPException):
    """500, and the base of the exceptions below. Raised, it rolls the unit of work back.

    `commits=True` commits first: for a refusal that must leave a trace. `problem_type` is for a
    subclass whose clients must know more than its status: a URI that names the kind of problem.
    """

    status: ClassVar[int] = 500
    problem_type: ClassVar[str | None] = None

    def __init__(
        self,
        detail: str | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        commits: bool = False,
    ) -> None:
        super().__init__(self.status, detail or phrase(self.status), headers)
        self.commits = commits


class BadRequestException(CustomException):
    """400: the request makes no sense."""

    status = 400


class UnauthorizedException(CustomException):
    """401: the caller isn't known."""

    status = 401


class ForbiddenException(CustomException):
    """403: the caller is known and may not."""

    status = 403


class NotFoundException(CustomException):
    """404: there is no such thing, or not for this caller."""

    status = 404


class ConflictException(CustomException):
    """409: the state of things doesn't allow it."""

    status = 409


class UnprocessableEntityException(CustomException):
    """422: the request is well-formed and can't be followed."""

    status = 422


class DuplicateValueException(UnprocessableEntityException):
    """422: the value is taken."""


class RateLimitException(CustomException):
    """429: too many requests."""

    status = 429

    def __init__(self, detail: str | None = RATE_LIMIT_EXCEEDED, **options: Any) -> None:
        super().__init__(detail, **options)


class ServiceUnavailableException(CustomException):
    """503: something that this answer needs is away."""

    status = 503

    def __init__(self, detail: str | None = None, **options: Any) -> None:
        options.setdefault("headers", {"Retry-After": str(RETRY_AFTER)})
        super().__init__(detail, **options)


def phrase(status: int) -> str:
    """The standard reason phrase of a status code."""
    if status in PHRASES:
        return PHRASES[status]
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"
