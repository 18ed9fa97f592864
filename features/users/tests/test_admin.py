"""Accounts on the admin site: what brings one back needs what taking it away does."""

from typing import Any

import pytest

from features.auth.tests.test_step_up import let_pass
from kernel.resources import Resources
from tests.accounts import Person

pytest.importorskip("tests.admin_site")


async def test_an_account_comes_back_after_the_password_only(
    site: Any, user: Person, resources: Resources
) -> None:
    await site.act("user", "delete", user.id)
    await let_pass(resources, minutes=11)

    answer = await site.act("user", "restore", user.id, deleted=True)

    assert answer.status_code == 403
    assert "This needs your password: enter it again." in answer.text
    assert (await user.get("/api/v1/user/user1")).status_code == 404
