"""The servers under the tests: databases copied from a migrated template, a Redis a process.

A `Host` lives in the process that pytest was started in, and offers what each process that runs
tests (itself, or a worker of pytest-xdist) needs to make a database of its own.
"""

import os
import secrets
import shutil
import tempfile
from collections.abc import Mapping, MutableMapping
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy import make_url

from infra.local import databases, state
from infra.local.background import Background
from infra.local.dev_env import DATABASE_NAMES, REDIS_ROLES, data_directory
from infra.local.errors import LocalError
from infra.local.postgres import APPLICATION, PostgresServer, start_postgres
from infra.local.templates import keep_template, make_template
from kernel.config.loader import ROOT

Offer = dict[str, str]
RUNS_AT_ONCE = 20

EXTERNAL_NAMES = [
    *DATABASE_NAMES,
    "DATABASE_OWNER_URL",
    "DATABASE_REPLICA_URL",
    "POSTGRES_OWNER_USER",
    *(f"REDIS_{role}_{part}" for role in REDIS_ROLES for part in ("URL", "HOST")),
]


def take_external(environ: MutableMapping[str, str]) -> Offer:
    """Take the servers named there out of the environment, so that no test can reach them.

    Of the result, DATABASE_URL and REDIS_URL are where the tests make databases of their own.
    """
    named = {name: environ.pop(name, "") for name in EXTERNAL_NAMES}
    for name in EXTERNAL_NAMES:
        environ.pop(f"{name}_FILE", None)
    addresses = [named[f"REDIS_{role}_URL"] for role in REDIS_ROLES]
    addresses = [address for address in addresses if address.lower() not in ("", "off")]
    offer = {"REDIS_URL": addresses[0], "REDIS_NAMED": " ".join(addresses)} if addresses else {}
    # Making databases is the owner's right.
    database = named["DATABASE_OWNER_URL"] or named["DATABASE_URL"]
    return offer | ({"DATABASE_URL": database} if database else {})


class Host:
    """Makes the template; stops, and drops on a server that isn't ours, what it made."""

    def __init__(self, external: Mapping[str, str]) -> None:
        self._external = external
        self._held = ExitStack()
        self._offer: Offer = {}

    def offer(self) -> Offer:
        """What `database.Copy` needs; made by the first call. Its "error" says why it can't be."""
        if not self._offer:
            try:
                self._offer = (
                    self.ours() if "DATABASE_URL" not in self._external else self._theirs()
                )
            except Exception as error:  # noqa: BLE001 (a migration fails in any way it likes)
                # Tests that need no database run all the same.
                self._offer = {"error": f"There is no database for tests. {error!r}"}
            self._offer |= self._external
        return self._offer

    def close(self) -> None:
        """Stop and drop."""
        self._held.close()

    def ours(self) -> Offer:
        """As `offer`, on a server of this checkout; what goes wrong is raised."""
        directory = self._directory()
        server = self._start(directory / "postgres")
        self._held.callback(server.stop)
        background = self._background()
        # Left by runs that were killed: the lock says that none of them goes on.
        background.run(_drop_all(server.url, "test_"))
        template = keep_template(background, server.url, APPLICATION)
        offer = {"admin": server.url, "template": template, "strategy": "file_copy", "run": "test"}
        return offer | {"application": APPLICATION, "directory": str(directory)}

    def _start(self, directory: Path) -> PostgresServer:
        try:
            return start_postgres(directory, durable=False)
        except LocalError:
            # Unsafe settings make it fast; after a crash of the machine the data may be damaged.
            if not (directory / "data").exists():
                raise
            shutil.rmtree(directory)
            return start_postgres(directory, durable=False)

    def _directory(self) -> Path:
        """A folder of the checkout that no other run uses now; what was made there is kept."""
        try:
            values = {name: value for name, value in os.environ.items() if value}
            for number in range(1, RUNS_AT_ONCE + 1):
                directory = data_directory(values) / f"test-{number}"
                directory.mkdir(mode=0o700, exist_ok=True)
                if self._held.enter_context(state.locked(directory)):
                    return directory
        except (LocalError, OSError):
            pass  # a checkout that isn't ours to write to can be tested all the same
        return Path(self._held.enter_context(tempfile.TemporaryDirectory(prefix="test-")))

    def _theirs(self) -> Offer:
        named = databases.plain(self._external["DATABASE_URL"])
        admin = urlsplit(named)._replace(path="/postgres").geturl()
        run = f"test_{secrets.token_hex(4)}"
        background = self._background()
        background.run(databases.names(admin, run))  # or there is nothing to drop
        # Other owners couldn't empty the tables that the application's role makes in tests.
        superuser = background.run(databases.is_superuser(admin))
        application = f"{run}_application" if superuser else str(make_url(admin).username)
        if superuser:
            drop = f'drop role if exists "{application}"'
            self._held.callback(lambda: background.run(databases.execute(admin, drop)))
        self._held.callback(lambda: background.run(_drop_all(admin, run)))
        make_template(background, admin, f"{run}_template", application)
        offer = {"admin": admin, "template": f"{run}_template", "strategy": "wal_log", "run": run}
        return offer | {"application": application}

    def _background(self) -> Background:
        return self._held.enter_context(Background())


async def _drop_all(url: str, prefix: str) -> None:
    await databases.drop(url, *await databases.names(url, prefix))


class UnknownFeature(Exception):
    """A word stands for nothing that can be tested."""


def chosen(words: list[str], directory: Path) -> tuple[list[str], list[str]]:
    """What pytest shall collect for its arguments, and the features that they name.

    `users` stands for `features/users`, unless there is something of that name here, and for the
    gates that look at each feature, in tests/gates; beside gates that are named it only chooses.
    Raises UnknownFeature for a bare word that is neither.
    """
    for word in words:
        if word.isidentifier() and not (directory / word).exists() and not _is_feature(word):
            known = sorted(path.parent.name for path in ROOT.glob("features/*/__init__.py"))
            raise UnknownFeature(f"There is no feature {word}. There are {', '.join(known)}.")
    features = [word for word in words if _is_feature(word) and not (directory / word).exists()]
    paths = [word for word in words if word not in features]
    gates = ROOT / "tests" / "gates"
    if features and not any((directory / path).is_relative_to(gates) for path in paths):
        paths += [str(ROOT / "features" / word) for word in features]
        paths += [str(gates)]
    return paths, features


def _is_feature(word: str) -> bool:
    return word.isidentifier() and (ROOT / "features" / word).is_dir()
