"""Whether the migrations make what the models say, tried on a throw-away server."""

import io
from pathlib import Path
from tempfile import TemporaryDirectory

from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError
from sqlalchemy.engine import make_url

from infra.local.postgres import start_postgres


def problems(root: Path) -> list[str]:
    """Migrate an empty database to the head and say what autogenerate would still add.

    Raises LocalError where no PostgreSQL can be started.
    """
    with TemporaryDirectory(prefix="check-migrations-") as folder:
        server = start_postgres(Path(folder) / "postgres", durable=False)
        try:
            return _differences(root, server.url)
        finally:
            server.stop()


def _differences(root: Path, url: str) -> list[str]:
    config = Config(toml_file=root / "pyproject.toml", stdout=io.StringIO())
    config.attributes["url"] = make_url(url).set(drivername="postgresql+asyncpg")
    try:
        command.upgrade(config, "head")
        command.check(config)
    except CommandError as error:
        return [f'{error}\nWrite what is missing: hatch run revision "what changed"']
    return []
