"""What the environment says: where backups go, whose key locks them, how often, for how long."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.backup.errors import BackupError

SECRETS = ("PGPASSWORD", "BACKUP_ROLE_PASSWORD")


@dataclass(frozen=True)
class Options:
    """`repository` holds what is encrypted; `spool` the few megabytes that aren't yet.

    PGHOST, PGPORT, PGUSER and PGDATABASE tell PostgreSQL's programs where it is, and the role.
    """

    repository: Path
    spool: Path
    recipient_file: Path | None
    every_hours: float
    keep_days: float
    interval: float  # seconds between two looks at what can be restored
    late_after: float  # seconds without one that make it unhealthy


def load(environ: Mapping[str, str]) -> Options:
    """The options. Raises BackupError when a value is unfit."""
    key = environ.get("BACKUP_RECIPIENT_FILE")
    interval = _number(environ, "BACKUP_INTERVAL", "10", least=0.1)
    return Options(
        repository=Path(environ.get("BACKUP_DIRECTORY") or "backups").absolute(),
        spool=Path(environ.get("BACKUP_SPOOL") or "backup-spool").absolute(),
        recipient_file=Path(key) if key else None,
        every_hours=_number(environ, "BACKUP_EVERY_HOURS", "24", least=0.001),
        keep_days=_number(environ, "BACKUP_KEEP_DAYS", "14", least=0.001),
        interval=interval,
        late_after=_number(environ, "BACKUP_LATE_AFTER", "300", least=interval),
    )


def read_secrets() -> None:
    """Put what NAME_FILE leads to into NAME, for PostgreSQL's programs. Raises BackupError."""
    for name in SECRETS:
        file = os.environ.get(f"{name}_FILE")
        if file:
            try:
                os.environ[name] = Path(file).read_text().strip()
            except OSError as error:
                raise BackupError(f"{name}_FILE: {file}: {error.strerror}.") from None


def _number(environ: Mapping[str, str], name: str, default: str, least: float) -> float:
    said = environ.get(name) or default
    try:
        value = float(said)
    except ValueError:
        value = float("nan")
    if not least <= value < float("inf"):
        raise BackupError(f"{name}={said}: it must be a number of at least {least:g}.")
    return value
