"""What a feature keeps of a person and doesn't hand out, or let go, is told by table and column."""

from collections.abc import Iterator

import pytest
from sqlalchemy import ForeignKey

from features.auth import handlers, personal_data
from features.auth.models import Session
from infra.checks.personal_data import missing


@pytest.fixture
def key() -> Iterator[ForeignKey]:
    """The foreign key by which sessions go with their user."""
    [key] = Session.__table__.c.user_id.foreign_keys  # type: ignore[attr-defined]
    before = key.ondelete
    yield key
    key.ondelete = before


def test_a_column_that_no_export_has_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(personal_data.omitted, "session.refresh_jti")

    [problem] = missing("auth")

    assert "session.refresh_jti holds what belongs to a person" in problem


def test_a_table_that_no_export_has_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("session.refresh_jti", "session.refresh_issued_at"):
        monkeypatch.delitem(personal_data.omitted, name)
    monkeypatch.delitem(personal_data.exports, "sessions")

    [problem] = missing("auth")

    assert "features/auth: session holds" in problem
    assert 'select(Session).where(... == bindparam("user_id"))' in problem


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("session.gone", "is no table or column of a person's here"),
        ("session.device", "is exported"),
    ],
)
def test_a_reason_for_what_is_not_there_or_exported_is_told(
    monkeypatch: pytest.MonkeyPatch, name: str, why: str
) -> None:
    monkeypatch.setitem(personal_data.omitted, name, "a reason")

    [problem] = missing("auth")

    assert f"`omitted` has {name}, which {why}" in problem


@pytest.mark.parametrize("ondelete", ["RESTRICT", "SET NULL", None])
def test_rows_that_stay_need_a_handler_or_a_reason(
    monkeypatch: pytest.MonkeyPatch, key: ForeignKey, ondelete: str | None
) -> None:
    key.ondelete = ondelete
    handled = list(missing("auth"))
    monkeypatch.setattr(handlers, "handlers", {})
    told = [problem for problem in missing("auth") if "session.user_id" in problem]
    monkeypatch.setattr(personal_data, "kept", {"session.user_id": "a reason"}, raising=False)
    reasoned = [problem for problem in missing("auth") if "session.user_id" in problem]

    assert not any("session.user_id" in problem for problem in handled + reasoned)
    assert "rows stay when the account that session.user_id leads to is erased" in told[0]
