"""Registration."""

import httpx2
import pytest

ADA = {
    "name": "Ada",
    "username": "ada",
    "email": "Ada@example.com",
    "password": "difference engine",
}


async def test_a_registration_answers_the_account_with_its_email(
    client: httpx2.AsyncClient,
) -> None:
    answer = await client.post("/api/v1/user", json=ADA)

    assert answer.status_code == 201
    body = answer.json()
    assert isinstance(body.pop("id"), int)
    assert body == {
        "name": "Ada",
        "username": "ada",
        "email": "Ada@example.com",
        "profile_image_url": None,
        "tier_id": None,
    }


@pytest.mark.parametrize("email", ["ada@example.com", "ADA@EXAMPLE.COM"])
async def test_an_email_in_any_case_registers_once(client: httpx2.AsyncClient, email: str) -> None:
    await client.post("/api/v1/user", json=ADA)

    answer = await client.post("/api/v1/user", json={**ADA, "email": email, "username": "ada"})

    assert (answer.status_code, answer.json()["detail"]) == (422, "Email is already registered")
