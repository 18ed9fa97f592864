"""A PostgreSQL for the moment, to try migrations on."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from alembic.config import Config
from sqlalchemy.engine import make_url

from infra.local.postgres import start_postgres


@contextmanager
def migrations_of(root: Path) -> Iterator[Config]:
    """Alembic's configuration of that checkout, for an empty database of its own.

    Raises LocalError where no PostgreSQL can be started.
    """
    with TemporaryDirectory(prefix="migrations-") as folder:
        server = start_postgres(Path(folder) / "postgres", durable=False)
        try:
            config = Config(toml_file=root / "pyproject.toml", stdout=io.StringIO())
            config.attributes["url"] = make_url(server.url).set(drivername="postgresql+asyncpg")
            yield config
        finally:
            server.stop()
