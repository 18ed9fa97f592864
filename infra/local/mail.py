"""Starts the mail catcher of `hatch run dev`, where no setting names a server for mail."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from infra.local import processes
from infra.local.console import step
from infra.local.dev_env import names
from infra.local.errors import LocalError
from infra.local.paths import ports
from infra.local.program import Program
from kernel.config.loader import ROOT

CATCHER = (sys.executable, "-m", "infra.mail")
GIVEN_BY = ("SMTP_HOST", "SMTP_USERNAME", "SMTP_PASSWORD")
START_LIMIT = 15.0  # seconds


@dataclass
class MailCatcher:
    """A running catcher; `settings` are those that send mail there."""

    program: Program
    page: str
    settings: dict[str, str]


def start_catcher(
    values: Mapping[str, str], environment: Mapping[str, str], directory: Path
) -> MailCatcher | None:
    """Start it, on the ports that it had last time if they are free.

    None where a setting of mail is given (SMTP_HOST=off is one), outside local, and where its
    package isn't installed. Raises LocalError when it doesn't start.
    """
    local = values.get("ENVIRONMENT", "local") == "local"
    if names(values, *GIVEN_BY) or not local or find_spec("aiosmtpd") is None:
        return None
    files, ready = (directory / "mail-smtp-port", directory / "mail-page-port"), directory / "mail"
    program = None
    with step("mail catcher"):
        for smtp, page in zip(ports(files[0]), ports(files[1]), strict=False):
            ready.unlink(missing_ok=True)
            command = [*CATCHER, "--smtp-port", str(smtp), "--page-port", str(page)]
            command += ["--ready", str(ready)]
            program = Program("mail", command, environment, ROOT)
            program.start()
            if _serves(program, ready):
                for file, port in zip(files, (smtp, page), strict=True):
                    file.write_text(str(port))
                return MailCatcher(program, f"http://127.0.0.1:{page}", _settings(values, smtp))
            program.give_up()
    assert program is not None
    raise LocalError("The mail catcher doesn't start; SMTP_HOST=off does without it.")


def _serves(program: Program, ready: Path) -> bool:
    """Whether it came up on its ports."""
    child = program.child
    assert child is not None
    for _ in range(int(START_LIMIT / 0.02)):
        if child.ended or ready.exists():
            break
        processes.pause(0.02)
    return ready.exists()


def _settings(values: Mapping[str, str], port: int) -> dict[str, str]:
    sender = values.get("SMTP_FROM", "app@example.com")
    return {
        "SMTP_HOST": "127.0.0.1",
        "SMTP_PORT": str(port),
        "SMTP_SECURITY": "none",
        "SMTP_FROM": sender,
    }
