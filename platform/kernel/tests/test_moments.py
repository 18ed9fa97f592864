"""A number is no date: what pydantic takes beyond ISO 8601 is refused at the field."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from pydantic import MISSING, AwareDatetime, Field, ValidationError

from kernel.schemas import InputSchema
from kernel.schemas.moments import moments_of


class Inner(InputSchema):
    due: date


class Meeting(InputSchema):
    amount: int = 1
    title: str = "5"
    due: date | MISSING | None = MISSING
    starts_at: AwareDatetime = Field(datetime(2026, 1, 1, tzinfo=UTC), alias="startsAt")
    opens: time | None = None
    lasts: timedelta | None = None
    days: list[date] | None = None
    inner: Inner | None = None


def test_its_moments_are_found_by_the_names_they_have_in_input() -> None:
    assert moments_of(Meeting) == {"due", "starts_at", "startsAt", "opens", "lasts", "days"}


def test_what_iso_8601_writes_passes() -> None:
    meeting = Meeting.model_validate(
        {
            "due": "2026-01-02",
            "startsAt": "2026-01-02T03:04:05+01:00",
            "opens": "08:30",
            "lasts": "PT1H",
            "days": ["2026-01-02"],
            "inner": {"due": "2026-01-02"},
            "amount": 5,
        }
    )

    assert meeting.due == date(2026, 1, 2)
    assert Meeting(due=date(2026, 1, 2)).due == date(2026, 1, 2)


@pytest.mark.parametrize("number", [0, 5, 1700000000, 0.5, -1, True, "5", " 1700000000.5 "])
@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("due", ("due",)),
        ("startsAt", ("startsAt",)),
        ("opens", ("opens",)),
        ("lasts", ("lasts",)),
        ("days", ("days", 1)),
        ("inner", ("inner", "due")),
    ],
)
def test_a_number_is_refused_where_it_stands(
    number: Any, name: str, place: tuple[str | int, ...]
) -> None:
    values = {"days": ["2026-01-02", number], "inner": {"due": number}}

    with pytest.raises(ValidationError) as refused:
        Meeting.model_validate({name: values.get(name, number), "amount": "no number"})

    places = [error["loc"] for error in refused.value.errors()]
    assert place in places
    assert ("amount",) in places
