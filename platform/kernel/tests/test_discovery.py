"""A feature whose file can't be imported stops the start, and says what to mend."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import features
from kernel import discovery

TABLE = """
from sqlmodel import Field, SQLModel

class Crate(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    meta: dict
"""


@pytest.fixture
def crates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of a feature called crates, the only one."""
    folder = tmp_path / "crates"
    folder.mkdir()
    (folder / "__init__.py").touch()
    monkeypatch.setattr(features, "__path__", [str(tmp_path)])
    discovery.load.cache_clear()
    yield folder
    discovery.load.cache_clear()
    for name in [name for name in sys.modules if name.startswith("features.crates")]:
        del sys.modules[name]


def test_a_field_without_a_column_type_is_named_with_its_model(crates: Path) -> None:
    (crates / "models.py").write_text(TABLE)

    with pytest.raises(discovery.DiscoveryError, match=r"features\.crates\.models\.Crate\.meta: "):
        discovery.load("models")


def test_any_other_error_of_an_import_is_raised_as_it_is(crates: Path) -> None:
    (crates / "settings.py").write_text("int('seven')")

    with pytest.raises(ValueError, match="invalid literal"):
        discovery.load("settings")
