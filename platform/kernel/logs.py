"""Structured logs: readable lines in local, JSON elsewhere, the request id in each."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from kernel.config.groups import AppSettings
from kernel.context import request_id_var, traceparent_var
from kernel.observability.redaction import redacted
from kernel.observability.reporters import tell_reporters

# Libraries that speak of each request or job themselves; one line per request is ours.
QUIET = ("uvicorn.access", "httpx", "httpx2", "asyncio", "alembic.runtime.plugins")
MOMENT = "%Y-%m-%dT%H:%M:%S.%fZ"


def _add_request_id(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    request_id = request_id_var.get()
    if request_id is not None:
        event.setdefault("request_id", request_id)
    traceparent = traceparent_var.get()
    if traceparent is not None:
        event.setdefault("trace_id", traceparent[3:35])
    return event


def _add_moment(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    event["timestamp"] = datetime.now(UTC)  # orjson writes it at a third of isoformat's cost
    return event


def escape_values(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Keep what clients send, a path say, from steering a terminal or from looking like a line.

    For readable lines: JSON escapes by itself.
    """
    for name, value in event.items():
        ours = name in ("event", "exception", "stack")
        if not ours and isinstance(value, str) and not value.isprintable():
            event[name] = value.encode("unicode_escape").decode()
    return event


class _Line:
    """Writes finished lines to standard error, whatever that is at the moment."""

    def __init__(self, name: str = "") -> None:
        self.name = name

    def msg(self, line: str) -> None:
        sys.stderr.write(line + "\n")

    debug = info = warning = error = critical = msg


def configure(settings: AppSettings) -> None:
    """Send structlog's and the standard library's records to standard error, in one format."""
    level = logging.getLevelNamesMapping()[settings.log_level]
    readable = settings.environment == "local"
    shared: list[Processor] = [
        _add_request_id,
        structlog.stdlib.add_logger_name,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True) if readable else _add_moment,
        tell_reporters,
    ]
    renderer = [*_renderer(readable), _redact]
    structlog.configure(
        processors=[*shared, *renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=_Line,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in ("uvicorn", "uvicorn.error", "arq", "arq.worker"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [], True
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def _renderer(readable: bool) -> list[Processor]:
    # Plain tracebacks: pretty ones print local variables, and with them secrets.
    if readable:
        return [
            escape_values,
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(),
                pad_event_to=0,
                exception_formatter=structlog.dev.plain_traceback,
            ),
        ]
    dumps: Any = structlog.processors.JSONRenderer(serializer=_json)
    return [structlog.processors.format_exc_info, dumps]


def _redact(_: WrappedLogger, __: str, line: Any) -> str:
    return redacted(line)


def _json(event: EventDict, **_: Any) -> str:
    try:
        return orjson.dumps(event, default=str, option=orjson.OPT_UTC_Z).decode()
    except orjson.JSONEncodeError:  # a lone surrogate, which json escapes
        event["timestamp"] = f"{event['timestamp']:{MOMENT}}"
        return json.dumps(event, default=str)
