"""All of a change or nothing."""

from pathlib import Path

import pytest

from infra.scaffold.change import Change


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name in ("staging/invoices", "features/notes", "versions"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "staging" / "invoices" / "models.py").write_text("new")
    (tmp_path / ".env.example").write_text("old")
    return tmp_path


def write(root: Path, change: Change) -> None:
    change.watch(root / "versions")
    change.edit(root / ".env.example")
    change.move(root / "staging" / "invoices", root / "features" / "invoices")
    (root / "versions" / "invoices.py").write_text("revision")
    (root / "features" / "invoices" / "access.txt").write_text("recorded")
    (root / ".env.example").write_text("new")


def test_a_change_that_goes_well_stays(checkout: Path) -> None:
    with Change() as change:
        write(checkout, change)

    assert (checkout / "features" / "invoices" / "models.py").read_text() == "new"
    assert (checkout / "versions" / "invoices.py").exists()
    assert (checkout / ".env.example").read_text() == "new"


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_of_a_change_that_is_interrupted_nothing_is_left(
    checkout: Path, error: type[BaseException]
) -> None:
    with pytest.raises(error), Change() as change:
        write(checkout, change)
        raise error

    assert not (checkout / "features" / "invoices").exists()
    assert (checkout / "staging" / "invoices" / "models.py").read_text() == "new"
    assert list((checkout / "versions").iterdir()) == []
    assert (checkout / ".env.example").read_text() == "old"
    assert (checkout / "features" / "notes").is_dir()
