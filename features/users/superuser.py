"""`python -m features.users.superuser NAME --grant`: make a user a superuser, or `--revoke` it."""

import argparse
import asyncio
import sys

import structlog

from features.users import crud
from kernel import logs
from kernel.config import AppSettings, SettingsError
from kernel.db import DatabaseUnavailable, UnitOfWork
from kernel.resources import opened
from kernel.settings import load_settings
from kernel.web import require_database

log = structlog.get_logger("security")


class Refusal(Exception):
    """The role can't be set; the message says why."""


async def set_role(db: UnitOfWork, username: str, is_superuser: bool) -> None:
    """Grant or revoke the role. Every process sees it once the unit has committed.

    Raises Refusal for an unknown user, and for the last superuser.
    """
    user_id = await crud.id_by_username.scalar(db, username=username)
    if user_id is not None and not is_superuser:
        candidate = await crud.lock_for_removal(db, user_id)
        if candidate is not None and candidate.is_last_superuser:
            raise Refusal(
                "The last superuser can't be removed: grant somebody else the role first."
            )
    changes = {"is_superuser": is_superuser}
    if user_id is None or await crud.change_user(db, user_id, changes) is None:
        raise Refusal(f"There is no user called {username}.")

    async def record() -> None:
        log.info("role changed", by="command", user=user_id, is_superuser=is_superuser)

    db.after_commit(record)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="superuser", description=__doc__)
    parser.add_argument("name", metavar="NAME", help="the username")
    choice = parser.add_mutually_exclusive_group(required=True)
    choice.add_argument("--grant", action="store_true")
    choice.add_argument("--revoke", action="store_true")
    return parser.parse_args()


async def _main() -> None:
    arguments, settings = _arguments(), load_settings()
    logs.configure(settings.group(AppSettings))
    async with opened(settings, "superuser") as resources:
        await require_database(resources)
        async with resources.unit() as db:
            await set_role(db, arguments.name, arguments.grant)
    state = "a superuser" if arguments.grant else "no superuser"
    sys.stdout.write(f"{arguments.name} is {state} now.\n")


if __name__ == "__main__":
    try:
        asyncio.run(_main())
    except (Refusal, SettingsError, DatabaseUnavailable) as error:
        sys.exit(str(error))
