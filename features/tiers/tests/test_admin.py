"""Tiers on the admin site."""

import pytest
from httpx2 import AsyncClient

from features.tiers.tests.test_tiers import make
from tests.accounts import Person
from tests.admin_site import Browser, errors


async def test_a_tier_is_made_renamed_and_deleted(site: Browser, client: AsyncClient) -> None:
    made = await site.submit("/admin/tier/create", name="pro")
    tier_id = int(made.headers["location"].split("/")[-1].partition("?")[0])
    names = [tier["name"] for tier in (await client.get("/api/v1/tiers")).json()["data"]]
    await site.submit(f"/admin/tier/edit/{tier_id}", name="business")
    renamed = await client.get("/api/v1/tier/business")
    await site.act("tier", "delete", tier_id)
    gone = await client.get("/api/v1/tier/business")

    assert names == ["pro"]
    assert [renamed.status_code, gone.status_code] == [200, 404]


async def test_what_the_table_refuses_is_told(
    site: Browser, superuser: Person, user: Person
) -> None:
    tier_id = await make(superuser, "pro")
    await superuser.patch(f"/api/v1/user/{user.username}/tier", json={"tier_id": tier_id})

    twice = await site.submit("/admin/tier/create", name="pro")
    strange = await site.submit("/admin/tier/create", name="a b")
    used = await site.act("tier", "delete", tier_id)

    assert (twice.status_code, errors(twice)) == (422, ["Tier Name not available"])
    assert "String should match pattern" in errors(strange)[0]
    assert (used.status_code, errors(used)) == (409, ["pro: Tier is in use"])


async def test_a_user_is_put_on_a_tier_chosen_by_its_name(
    site: Browser, superuser: Person, user: Person
) -> None:
    tier_id = await make(superuser, "pro")
    form = await site.get(f"/admin/user/edit/{user.id}")

    await site.submit(f"/admin/user/edit/{user.id}", tier_id=str(tier_id))

    assert f'<option value="{tier_id}">pro</option>' in form.text
    assert (await user.get("/api/v1/user/me/")).json()["tier_id"] == tier_id


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x", "Input should be a valid integer"),
        ("1.5", "Input should be a valid integer"),
        ("0", "Input should be greater than or equal to 1"),
        ("9" * 30, "Input should be less than or equal to"),
        ("2147483647", "Tier not found"),
    ],
)
async def test_a_key_that_names_no_tier_is_told(
    text: str, words: str, site: Browser, user: Person
) -> None:
    answer = await site.submit(f"/admin/user/edit/{user.id}", tier_id=text)

    assert answer.status_code == 422
    assert words in errors(answer)[0]
