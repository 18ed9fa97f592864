"""Identities on the admin site: shown, and unlinked."""

from typing import Any

import pytest

from features.sign_in.tests.factories import add_identity, identities_left, take_password
from tests.accounts import Person

pytest.importorskip("tests.admin_site")
ME = "/api/v1/user/me/"


async def test_an_identity_is_unlinked_and_the_sessions_of_its_account_end(
    site: Any, user: Person
) -> None:
    identity = await add_identity(user, user.id, subject="of-a-provider")

    shown = await site.get("/admin/identity/list")
    done = await site.act("identity", "unlink", identity)

    assert "of-a-provider" in shown.text
    assert (done.status_code, await identities_left(user)) == (303, 0)
    assert (await user.get(ME)).status_code == 401


async def test_the_last_way_into_an_account_stays(site: Any, user: Person) -> None:
    identity = await add_identity(user, user.id)
    await take_password(user)

    refused = await site.act("identity", "unlink", identity)

    assert (refused.status_code, await identities_left(user)) == (409, 1)
    assert "set a password first" in refused.text
    assert (await user.get(ME)).status_code == 200
