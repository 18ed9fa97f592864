"""API keys on the admin site: a key that is revoked there is dead at once."""

from typing import Any

import pytest

from features.api_keys.tests.factories import make_key, program
from kernel.app import Application
from tests.accounts import Person, refusal

pytest.importorskip("tests.admin_site")
ME = "/api/v1/user/me/"


async def test_a_key_is_found_by_how_it_begins_and_revoked(
    app: Application, site: Any, user: Person
) -> None:
    made, other = [await make_key(user, name=name) for name in ("Theirs", "Another")]
    async with program(app, made["key"]) as client:
        assert (await client.get(ME)).status_code == 200

        listed = await site.get("/admin/api-key/list", params={"search": made["prefix"]})
        shown = await site.get(f"/admin/api-key/details/{made['id']}")
        await site.act("api-key", "revoke", made["id"])

        assert made["prefix"] in listed.text
        assert other["prefix"] not in listed.text
        assert "Theirs" in shown.text
        assert made["key"] not in listed.text + shown.text
        assert refusal(await client.get(ME)) == (401, "This API key has been revoked.")
