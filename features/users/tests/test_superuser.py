"""The command that grants and revokes the role of a superuser."""

import os
import subprocess
import sys

import pytest

from features.users.superuser import Refusal, set_role
from kernel.resources import Resources
from tests.accounts import Person

SUPERS_ONLY = "/api/v1/db_user/unknown"


async def test_a_role_from_another_process_holds_at_once(
    user: Person, setting_values: dict[str, str]
) -> None:
    assert (await user.delete(SUPERS_ONLY)).status_code == 403

    done = subprocess.run(  # noqa: ASYNC221 - nothing else runs meanwhile
        [sys.executable, "-m", "features.users.superuser", user.username, "--grant"],
        env={**os.environ, **setting_values},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stdout == "user1 is a superuser now.\n"
    assert (await user.delete(SUPERS_ONLY)).status_code == 404


async def test_a_role_is_revoked_unless_it_is_the_last(
    user: Person, superuser: Person, resources: Resources
) -> None:
    async with resources.unit() as db:
        await set_role(db, user.username, True)
        await set_role(db, superuser.username, False)
    assert (await user.delete(SUPERS_ONLY)).status_code == 404
    assert (await superuser.delete(SUPERS_ONLY)).status_code == 403

    with pytest.raises(Refusal, match="The last superuser can't be removed"):
        async with resources.unit() as db:
            await set_role(db, user.username, False)


async def test_an_unknown_name_is_a_clear_error(resources: Resources) -> None:
    with pytest.raises(Refusal, match="There is no user called unknown"):
        async with resources.unit() as db:
            await set_role(db, "unknown", True)
