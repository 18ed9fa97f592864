"""Settings of traces and error reports: what can't work is refused at the start."""

import subprocess
import sys

import pytest

from kernel.config import observability
from kernel.config.loader import Settings, SettingsError
from kernel.config.observability import ObservabilitySettings


def check(**values: str) -> None:
    Settings(values).check([ObservabilitySettings])


@pytest.mark.parametrize("dsn", ["sentry.example", "https://sentry.example/1", "https://k@host"])
def test_a_malformed_dsn_is_refused(dsn: str) -> None:
    with pytest.raises(SettingsError, match="SENTRY_DSN must look like"):
        check(SENTRY_DSN=dsn)


def test_good_ones_pass() -> None:
    check(SENTRY_DSN="https://0123abcd@o1.ingest.sentry.io/4505", TRACES="on")
    check(SENTRY_DSN="http://0123abcd@127.0.0.1:8000/prefix/1")


@pytest.mark.parametrize(
    ("values", "extra"),
    [
        ({"TRACES": "on"}, "tracing"),
        ({"SENTRY_DSN": "https://0123abcd@sentry.example/1"}, "sentry"),
    ],
)
def test_a_missing_extra_is_named(
    monkeypatch: pytest.MonkeyPatch, values: dict[str, str], extra: str
) -> None:
    monkeypatch.setattr(observability, "_is_installed", lambda _: False)

    with pytest.raises(SettingsError, match=f"needs the extra `{extra}`"):
        check(**values)


def test_what_is_off_is_not_loaded() -> None:
    program = (
        "import sys; from kernel.app import create_application; create_application();"
        "import workers.settings;"
        "print(*[name for name in ('prometheus_client', 'opentelemetry.sdk', 'sentry_sdk')"
        " if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert done.stdout.split() == []
