"""What the developer gave, read as the application reads it, and what we make up for the rest."""

import os
import secrets
from collections.abc import Collection, Mapping
from pathlib import Path

from infra.local.console import say
from infra.local.errors import LocalError
from infra.local.paths import private_folder, write_private
from kernel.config.loader import GENERATED_FILE, ROOT, SettingsError, read_dotenv

DATABASE_NAMES = ("DATABASE_URL", "POSTGRES_SERVER")
REDIS_ROLES = ("CACHE", "QUEUE", "RATE_LIMIT")
# What decides which servers dev starts, and where it listens.
TAKEN_BY_DEV = {
    "HOST",
    "PORT",
    "DEV_DATA_DIR",
    *DATABASE_NAMES,
    "DATABASE_OWNER_URL",
    "SMTP_HOST",
} | {f"REDIS_{role}_{part}" for role in REDIS_ROLES for part in ("URL", "HOST")}


def given(root: Path = ROOT) -> dict[str, str]:
    """The environment, then `.env` in the project's root. An empty value counts as none.

    Raises LocalError when that file can't be read.
    """
    environment = {name.upper(): value for name, value in os.environ.items() if value}
    try:
        return {**read_dotenv(root / ".env"), **environment}
    except SettingsError as error:
        raise LocalError(str(error)) from error


def names(values: Mapping[str, str], *wanted: str) -> bool:
    """Whether one of these is given, by itself or as the name of a file that holds it."""
    return any(name in values or f"{name}_FILE" in values for name in wanted)


def external_database(values: Mapping[str, str]) -> bool:
    """Whether these values lead to a database that is not ours to start."""
    return names(values, *DATABASE_NAMES)


def own_redis_roles(values: Mapping[str, str]) -> list[str]:
    """The Redis roles that neither lead to a server elsewhere nor are opted out of."""
    return [
        role for role in REDIS_ROLES if not names(values, f"REDIS_{role}_URL", f"REDIS_{role}_HOST")
    ]


def data_directory(values: Mapping[str, str], root: Path = ROOT) -> Path:
    """The folder of DEV_DATA_DIR. Raises LocalError when it is another user's."""
    directory = root / values.get("DEV_DATA_DIR", ".dev")
    try:
        private_folder(directory)
    except OSError as error:
        raise LocalError(
            f"The data folder {directory} can't be made: {error.strerror}.\n"
            "Set DEV_DATA_DIR to a folder that you may write to."
        ) from error
    # As root everything would be allowed, and leave files that the owner can't use afterwards.
    if hasattr(os, "geteuid") and directory.stat().st_uid != os.geteuid():
        raise LocalError(
            f"The data folder {directory} belongs to another user "
            f"(id {directory.stat().st_uid}, and you are {os.geteuid()}).\n"
            "Run as that user, or set DEV_DATA_DIR to a folder of your own."
        )
    return directory


def generate(values: Mapping[str, str], directory: Path) -> dict[str, str]:
    """Make up, once, what local needs and no setting gives; the result is what is in force of it.

    Kept in `generated.env` of the data folder, where the settings find it. Nothing is made up
    outside of local: there the application insists on being given its secrets.
    """
    if values.get("ENVIRONMENT", "local") != "local":
        return {}
    path = directory / GENERATED_FILE
    kept = read_dotenv(path)
    made = {
        "SECRET_KEY": secrets.token_urlsafe(48),
        "ADMIN_NAME": "Admin",
        "ADMIN_EMAIL": "admin@example.com",
        "ADMIN_USERNAME": "admin",
        "ADMIN_PASSWORD": secrets.token_urlsafe(12),
    }
    missing = [name for name in made if name not in kept and not names(values, name)]
    if missing:
        kept |= {name: made[name] for name in missing}
        lines = "".join(f"{name}={value}\n" for name, value in kept.items())
        write_private(
            path, f"# Made once by `hatch run dev`; .env and the environment win.\n{lines}"
        )
    return {name: value for name, value in kept.items() if not names(values, name)}


class DevSettings:
    """What the application reads beside its code, and what dev itself took from it."""

    def __init__(self, values: Mapping[str, str], directory: Path, root: Path = ROOT) -> None:
        self._values, self._directory, self._root = values, directory, root

    def files(self) -> list[Path]:
        """The files that a start reads settings from, whether they are there or not."""
        named = [path for name, path in self._now().items() if name.endswith("_FILE")]
        own = [self._root / ".env", self._root / "pyproject.toml"]
        return own + [self._root / path for path in named]

    def is_local(self) -> bool:
        """Whether the application would run in local."""
        return self._now().get("ENVIRONMENT", "local") == "local"

    def reread(self, changed: Collection[Path]) -> None:
        """After an edit of `.env`: make up what it no longer gives, and say what a restart of the
        application doesn't change."""
        if Path(".env") not in changed:
            return
        now = self._now()
        generate(now, self._directory)
        names = sorted(
            name
            for name in self._values.keys() | now.keys()
            if name.removesuffix("_FILE") in TAKEN_BY_DEV
            and self._values.get(name) != now.get(name)
        )
        if names:
            say(f"{', '.join(names)}: in force once you stop dev and start it anew.")

    def _now(self) -> dict[str, str]:
        try:
            return given(self._root)
        except LocalError:  # the application says so itself, and doesn't start
            return {name.upper(): value for name, value in os.environ.items() if value}


if __name__ == "__main__":
    in_force = generate(given(), data_directory(given()))
    for made_up in ("ADMIN_USERNAME", "ADMIN_PASSWORD"):
        if made_up in in_force:
            print(f"{made_up}: {in_force[made_up]}")
