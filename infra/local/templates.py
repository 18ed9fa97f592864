"""The migrated database that tests copy; made of the one before where only revisions were added."""

import hashlib
import json
from collections.abc import Mapping
from urllib.parse import urlsplit

from alembic import command
from alembic.config import Config
from sqlalchemy import make_url

from infra.local import databases
from infra.local.background import Background
from kernel.config.loader import ROOT

PREFIX = "template_"
VERSIONS = "migrations/versions/"
Files = Mapping[str, str]


def migrations() -> Files:
    """The files that say what a database is made of, each with a digest."""
    return {
        path.relative_to(ROOT).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted((ROOT / "migrations").rglob("*.py"))
    }


def name_of(files: Files) -> str:
    """The name of the template that these files make."""
    return PREFIX + hashlib.sha256(_written(files).encode()).hexdigest()[:16]


def make_template(
    background: Background, admin: str, name: str, application: str, base: str = ""
) -> None:
    """Migrate an empty database, or a copy of `base`; it bears its name once it is complete."""
    unfinished = f"{name}_unfinished"
    background.run(databases.drop(admin, unfinished))
    if base:
        background.run(databases.copy(admin, base, unfinished, "file_copy"))
    else:
        background.run(databases.ensure(admin, unfinished))
    config = Config(toml_file=str(ROOT / "pyproject.toml"))
    url = make_url(urlsplit(admin)._replace(path=f"/{unfinished}").geturl())
    url = url.set(drivername="postgresql+asyncpg")
    config.attributes |= {"url": url, "application": url.set(username=application)}
    background.in_thread(lambda: command.upgrade(config, "head"))
    # Tests of the kernel make tables of their own.
    grant = f'grant create on schema public to "{application}"'
    background.run(databases.execute(url.render_as_string(hide_password=False), grant))
    background.run(databases.rename(admin, unfinished, name))


def keep_template(background: Background, admin: str, application: str) -> str:
    """Make the template of the present files, unless it is there, and drop others; its name."""
    files = migrations()
    name = name_of(files)
    known = background.run(databases.comments(admin, PREFIX))
    if name not in known:
        fitting = [one for one, said in known.items() if said and _begins(json.loads(said), files)]
        make_template(background, admin, name, application, *fitting[:1])
        background.run(databases.execute(admin, _comment(name, files)))
        background.run(databases.drop(admin, *known))
    return name


def _begins(before: Files, now: Files) -> bool:
    """Whether there are only revisions more: a changed one would have made something else."""
    added = now.keys() - before.keys()
    return before.items() <= now.items() and all(path.startswith(VERSIONS) for path in added)


def _comment(name: str, files: Files) -> str:
    return f"comment on database \"{name}\" is '{_written(files)}'"


def _written(files: Files) -> str:
    return json.dumps(files, sort_keys=True)
