"""Who is told of exceptions that are logged as errors; see error_reports.py."""

import sys
from collections.abc import Callable
from typing import Any

# Called with the exception and its line.
reporters: list[Callable[[BaseException, dict[str, Any]], None]] = []


def tell_reporters(_: Any, method: str, line: Any) -> Any:
    """A processor of structlog's that changes nothing."""
    if reporters and method in ("error", "exception", "critical"):
        given: tuple[Any, ...] | BaseException | bool | None = line.get("exc_info")
        if given is True:
            given = sys.exc_info()
        error = given[1] if isinstance(given, tuple) else given
        if isinstance(error, BaseException):
            for report in reporters:
                report(error, line)
    return line
