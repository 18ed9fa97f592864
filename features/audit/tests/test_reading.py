"""Superusers list, show and export entries."""

import csv
import json
from datetime import timedelta
from typing import Any

import pytest

from features.audit import export
from infra.local import databases
from kernel.db.tables import now
from tests.accounts import Person, refusal

V1 = "/api/v1/audit"


@pytest.fixture
async def changed(superuser: Person, user: Person, owner_url: str) -> Person:
    """A user whom a superuser has renamed, and made a superuser; what was before is forgotten."""
    await databases.execute(owner_url, "DELETE FROM audit_entry")
    await superuser.patch("/api/v1/user/user1", json={"name": "Ada King"})
    await superuser.patch("/api/v1/user/user1/role", json={"is_superuser": True})
    return user


def stretch(**more: Any) -> dict[str, Any]:
    """Now, give or take an hour."""
    hour = timedelta(hours=1)
    ends = {"created_at_from": now() - hour, "created_at_to": now() + hour}
    return {**{name: moment.isoformat() for name, moment in ends.items()}, **more}


async def test_a_list_names_the_columns_that_changed(superuser: Person, changed: Person) -> None:
    answer = await superuser.get(f"{V1}/entries")

    renamed, promoted = answer.json()["data"]
    assert set(renamed["columns"].split()) == {"name", "version"}
    assert set(promoted["columns"].split()) == {"is_superuser", "version"}
    assert "changes" not in renamed


@pytest.mark.parametrize(
    ("filters", "number"),
    [
        ({"subject": "user"}, 2),
        ({"subject": "tier"}, 0),
        ({"act": "delete"}, 0),
        ({"actor_id": 2**31 - 1}, 0),
        ({"created_at_to": "2020-01-01T00:00:00Z"}, 0),
        ({"created_at_from": "2020-01-01T00:00:00Z"}, 2),
    ],
)
async def test_a_list_is_filtered(
    superuser: Person, changed: Person, filters: dict[str, Any], number: int
) -> None:
    answer = await superuser.get(f"{V1}/entries", params=filters)

    assert answer.json()["total_count"] == number


async def test_the_acts_on_one_row_and_of_one_superuser_are_found(
    superuser: Person, changed: Person
) -> None:
    on_row: dict[str, Any] = {"subject": "user", "subject_id": str(changed.id), "cursor": ""}
    by: dict[str, Any] = {"actor_id": superuser.id, "sort": "-created_at"}

    found = (await superuser.get(f"{V1}/entries", params=on_row)).json()["data"]
    newest = (await superuser.get(f"{V1}/entries", params=by)).json()["data"]

    assert [one["id"] for one in newest] == [one["id"] for one in reversed(found)]
    assert len(found) == 2


async def test_an_entry_shows_what_changed(superuser: Person, changed: Person) -> None:
    newest = (await superuser.get(f"{V1}/entries", params={"sort": "-id"})).json()["data"][0]

    entry = (await superuser.get(f"{V1}/entry/{newest['id']}")).json()

    assert entry["changes"]["is_superuser"] == {"from": False, "to": True}
    assert entry["actor_id"] == superuser.id
    assert refusal(await superuser.get(f"{V1}/entry/{newest['id'] + 1}")) == (
        404,
        "Audit entry not found",
    )


@pytest.mark.parametrize("size", [1, 2, 500])
async def test_an_export_has_every_entry_once_in_order_whatever_the_batches(
    superuser: Person, changed: Person, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "BATCH", size)
    await superuser.patch("/api/v1/user/user1/role", json={"is_superuser": False})

    answer = await superuser.get(f"{V1}/export", params=stretch())

    assert answer.headers["Content-Type"] == "application/x-ndjson"
    assert answer.headers["Content-Disposition"].endswith('.ndjson"')
    entries = [json.loads(line) for line in answer.text.splitlines()]
    assert [one["id"] for one in entries] == sorted(one["id"] for one in entries)
    assert len(entries) == 3
    assert entries[2]["changes"]["is_superuser"] == {"from": True, "to": False}


async def test_an_export_is_for_a_stretch_of_time_an_actor_or_a_table(
    superuser: Person, changed: Person
) -> None:
    for more in (
        {"created_at_to": "2020-01-01T00:00:00Z"},
        {"actor_id": 2**31 - 1},
        {"subject": "tier"},
    ):
        assert (await superuser.get(f"{V1}/export", params=stretch(**more))).content == b""
    everything = stretch(actor_id=superuser.id, subject="user")
    assert len((await superuser.get(f"{V1}/export", params=everything)).text.splitlines()) == 2


async def test_a_spreadsheet_finds_no_formula_in_an_export(
    superuser: Person, changed: Person, owner_url: str
) -> None:
    await databases.execute(owner_url, "UPDATE audit_entry SET request_id = '=HYPERLINK(0)'")

    answer = await superuser.get(f"{V1}/export", params=stretch(format="csv"))

    renamed, _ = csv.DictReader(answer.text.splitlines())
    assert renamed["request_id"] == "'=HYPERLINK(0)"
    assert json.loads(renamed["changes"])["name"] is None


@pytest.mark.parametrize(
    "more",
    [
        {"created_at_from": "1700000000"},
        {"created_at_from": "2026-11-01T00:00:00"},
        {"created_at_to": ""},
        {"format": "xml"},
        {"page": 1},
    ],
)
async def test_an_export_of_no_stretch_of_time_is_refused(
    superuser: Person, more: dict[str, Any]
) -> None:
    assert (await superuser.get(f"{V1}/export", params=stretch(**more))).status_code == 422


@pytest.mark.parametrize("end", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59"])
async def test_moments_that_no_database_has_are_refused_before_an_export_begins(
    superuser: Person, end: str
) -> None:
    query = {"created_at_from": "2026-11-29T00:00:00Z", "created_at_to": end, "format": "csv"}

    answer = await superuser.get(f"{V1}/export", params=query)

    assert answer.status_code == 422
    assert "within the years 1 to 9999" in answer.json()["detail"]


async def test_who_reads_leaves_no_entry(superuser: Person, changed: Person) -> None:
    await superuser.get(f"{V1}/export", params=stretch())

    assert (await superuser.get(f"{V1}/entries")).json()["total_count"] == 2
