"""A table that asks for entries gets its trigger by `hatch run revision`."""

from pathlib import Path

import pytest

from infra.revisions.tests.test_revisions import Feature

pytestmark = [pytest.mark.drill, pytest.mark.parallel]

MODELS = '''\
"""Zoos, whose changes superusers make."""

from typing import Any, ClassVar

from sqlmodel import Field, SQLModel


class Zoo(SQLModel, table=True):
    __table_args__: ClassVar[Any] = {
        "info": {"audited": ["is_open"], "audited_always": ["is_open"]}
    }

    id: int | None = Field(default=None, primary_key=True)
    is_open: bool = False
    keeper: str
'''


def test_the_trigger_is_written_and_goes_with_the_declaration(tmp_path: Path) -> None:
    feature = Feature(tmp_path)

    made = feature.revise(MODELS, "audit zoos")
    checked = feature.check("migrations", "format", "lint")
    text = feature.written("audit_zoos").read_text()
    undone = feature.revise(MODELS.replace(', "audited_always": ["is_open"]', ""), "audit less")

    assert (made[0], undone[0]) == (0, 0), (made, undone)
    assert "failed" not in checked, checked
    assert "EXECUTE FUNCTION audit_change('id', 'is_open')" in text
    assert "audit_is_open_update" in text
    assert "DROP TRIGGER audit_is_open_insert ON zoo" in feature.written("audit_less").read_text()
