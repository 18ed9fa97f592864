"""The settings of what a process tells of itself: logs, metrics, traces, errors."""

import re
from collections.abc import Iterator
from importlib.util import find_spec

from pydantic import Field, SecretStr

from kernel.config.loader import Environment, SettingsGroup, is_weak


class ObservabilitySettings(SettingsGroup):
    """What is told, and to whom (docs/running/observability.md)."""

    title = "Observability"
    slow_request_ms: float = Field(
        1000, ge=0, description="a request's line is a warning from here on; 0 is off"
    )
    slow_statement_ms: float = Field(
        500, ge=0, description="a statement gets a line from here on; 0 is off"
    )
    blocked_loop_seconds: float = Field(
        1, ge=0, description="an event loop that stands so long is told with its stack; 0 is off"
    )
    metrics: bool = Field(False, description="on or off: count for Prometheus, and serve it")
    metrics_host: str = Field("127.0.0.1", description="where /metrics is served; no secret asked")
    metrics_port: int = Field(9464, ge=0, le=65535, description="of the API; 0: any free one")
    worker_metrics_port: int = Field(9465, ge=0, le=65535, description="of each worker")
    metrics_token: SecretStr | None = Field(
        None, description="the API serves /metrics, too, to who sends it as a bearer token"
    )

    traces: bool = Field(
        False, description="on or off: tell an OpenTelemetry collector; needs the extra `tracing`"
    )
    traces_sample_rate: float = Field(
        0.1, ge=0, le=1, description="share of the requests that are traced; 1 is all"
    )
    otel_exporter_otlp_endpoint: str = Field(
        "http://localhost:4318", description="the collector, by OTLP over HTTP"
    )
    sentry_dsn: SecretStr | None = Field(
        None, description="where errors are reported; needs the extra `sentry`"
    )

    @property
    def serves_metrics(self) -> bool:
        """Whether /metrics is on the API's own port, too."""
        return self.metrics and bool(_text(self.metrics_token))

    @property
    def reports_errors(self) -> bool:
        """Whether errors are told to a service."""
        return bool(_text(self.sentry_dsn))

    def validation_errors(self, environment: Environment) -> Iterator[str]:
        token, dsn = _text(self.metrics_token), _text(self.sentry_dsn)
        if dsn and not re.fullmatch(r"https?://\w+(:\w+)?@[^/\s]+/(\S+/)?\d+", dsn):
            yield "SENTRY_DSN must look like https://key@host/1"
        for wanted, name, package, extra in (
            (self.traces, "TRACES", "opentelemetry.sdk", "tracing"),
            (dsn, "SENTRY_DSN", "sentry_sdk", "sentry"),
        ):
            if wanted and not _is_installed(package):
                yield f"{name} needs the extra `{extra}`: docs/running/observability.md has how"
        if environment != "local" and token and is_weak(token, 32):
            yield "METRICS_TOKEN is weak: set it to the output of `openssl rand -hex 32`"


def _text(secret: SecretStr | None) -> str:
    return secret.get_secret_value() if secret else ""


def _is_installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ModuleNotFoundError:  # not even what it is part of
        return False
