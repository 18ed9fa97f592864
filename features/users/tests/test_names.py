"""Display names: what shows nothing, breaks a line or turns text around is refused."""

import unicodedata

import httpx2
import pytest

from tests.accounts import PASSWORD, Person, refusal

UNFIT = (422, "body.name: must show something, without control or direction characters")


def values(name: str) -> dict[str, str]:
    return {"name": name, "username": "ada", "email": "ada@example.com", "password": PASSWORD}


@pytest.mark.parametrize(
    "name",
    [
        "  ",
        "\u00a0\u2003",
        "\u200b\u200b",
        "\u3164\u3164",
        "\u2800\u2800",
        "\ufeff\u2060",
        "Ada\nAdmin",
        "Ada\tAdmin",
        "Ada\x7f",
        "Ada\x1b[31m",
        "Ada\u0085",
        "Ada\u2028",
        "Ada \u202egnp.exe",
        "\u202dAda",
        "Ada\u2066x\u2069",
    ],
)
async def test_an_unfit_name_is_refused(
    client: httpx2.AsyncClient, user: Person, name: str
) -> None:
    made = await client.post("/api/v1/user", json=values(name))
    changed = await user.patch(f"/api/v1/user/{user.username}", json={"name": name})

    assert refusal(made) == refusal(changed) == UNFIT


@pytest.mark.parametrize(
    "name",
    [
        "Ada Lovelace",
        "O'Brien-Łukasz",
        "李小龙",
        "علي حسن",
        "👩\u200d🚀 Ada",
        "नरेंद्र",
        "a b",
        "x\u0301y",
    ],
)
async def test_a_name_in_any_script_is_taken(client: httpx2.AsyncClient, name: str) -> None:
    answer = await client.post("/api/v1/user", json=values(name))

    assert answer.status_code == 201
    assert answer.json()["name"] == name


def test_every_override_that_unicode_has_is_refused() -> None:
    from features.users.models import _SHOWN

    classes = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
    every = [chr(number) for number in range(0x110000)]
    unfit = [c for c in every if unicodedata.bidirectional(c) in classes]
    unfit += [c for c in every if unicodedata.category(c) in ("Cc", "Zl", "Zp")]
    blank = [c for c in every if unicodedata.category(c) == "Zs"]

    assert [c for c in unfit if _SHOWN.search(f"A{c}B")] == []
    assert [c for c in blank if _SHOWN.search(c * 2)] == []
