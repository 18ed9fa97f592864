"""Errors, told to a service like Sentry. Loaded with SENTRY_DSN only.

The exception with its stack, and the ids that lead to the log; not who called, from where, headers,
bodies or the values of variables. Texts are searched for addresses and tokens.
"""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import sentry_sdk
from sentry_sdk.types import Event, Hint

from kernel.config.groups import AppSettings
from kernel.config.observability import ObservabilitySettings
from kernel.db.unit_of_work import Resources
from kernel.observability.redaction import redacted
from kernel.observability.reporters import reporters

TAGS = ("request_id", "trace_id", "route", "job", "task", "logger")
END_TIMEOUT = 2.0  # seconds that the last reports may take when the process ends


@contextmanager
def reporting(resources: Resources) -> Generator[None]:
    """Report each exception that is logged as an error."""
    app = resources.settings.group(AppSettings)
    dsn = resources.settings.group(ObservabilitySettings).sentry_dsn
    assert dsn is not None, "observing() asks"
    sentry_sdk.init(
        dsn.get_secret_value(),
        release=f"{app.app_name}@{app.app_version}",
        environment=app.environment,
        # Its integrations see requests, and with them people; ours sees what is logged.
        default_integrations=False,
        auto_enabling_integrations=False,
        send_default_pii=False,
        include_local_variables=False,
        max_request_body_size="never",
        max_breadcrumbs=0,
        before_send=_without_personal_data,
    )
    reporters.append(report)
    try:
        yield
    finally:
        reporters.remove(report)
        sentry_sdk.get_client().close(timeout=END_TIMEOUT)


def report(error: BaseException, line: dict[str, Any]) -> None:
    """Tell of an exception that stands in a log line."""
    with sentry_sdk.new_scope() as scope:
        for name in TAGS:
            if line.get(name) is not None:
                scope.set_tag(name, str(line[name]))
        scope.set_tag("event", redacted(str(line.get("event", ""))))
        sentry_sdk.capture_exception(error)


def _without_personal_data(event: Event, _: Hint) -> Event:
    for one in event.get("exception", {}).get("values", []):
        if one.get("value"):
            one["value"] = redacted(str(one["value"]))
    for part in ("user", "request", "breadcrumbs", "extra", "server_name"):
        event.pop(part, None)  # type: ignore[misc]
    return event
