"""A PostgreSQL for the moment, to try migrations on."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from alembic.config import Config
from sqlalchemy.engine import make_url

from infra.local.postgres import start_postgres
from infra.local.testing import Host
from infra.local.worker_servers import own_database
from kernel.config.loader import ROOT


@contextmanager
def migrated() -> Iterator[Config]:
    """Alembic's configuration of this checkout, for a database of its own at the newest revision.

    It is a copy of that which tests copy. Raises LocalError where no PostgreSQL can be started.
    """
    host = Host({})
    try:
        with own_database(host.ours(), "revision") as database:
            yield _configured(ROOT, database.owner_url)
    finally:
        host.close()


@contextmanager
def migrations_of(root: Path) -> Iterator[Config]:
    """Alembic's configuration of that checkout, for an empty database of its own.

    Raises LocalError where no PostgreSQL can be started.
    """
    with TemporaryDirectory(prefix="migrations-") as folder:
        server = start_postgres(Path(folder) / "postgres", durable=False)
        try:
            yield _configured(root, server.url)
        finally:
            server.stop()


def _configured(root: Path, url: str) -> Config:
    config = Config(toml_file=root / "pyproject.toml", stdout=io.StringIO())
    config.attributes["url"] = make_url(url).set(drivername="postgresql+asyncpg")
    return config
