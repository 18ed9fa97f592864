"""Tests of what counts as an edit."""

import queue
import time
from pathlib import Path

import pytest

from infra.local.watch import FOLDERS, Changes, watch


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "checkout"
    for folder in FOLDERS:
        (root / folder).mkdir(parents=True)
    (root / "features" / "notes" / "tests").mkdir(parents=True)
    return root


def seen(changes: Changes, path: Path) -> bool:
    """Whether that path is among the edits of the next seconds."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            edited = changes.get(timeout=0.1)
        except queue.Empty:
            continue
        if path in edited:
            return True
    return False


@pytest.fixture
def changes(root: Path) -> Changes:
    changes: Changes = queue.SimpleQueue()
    files = [root / ".env", root.parent / "secrets" / "key"]
    files[1].parent.mkdir()
    watch(root, lambda: files, changes)
    time.sleep(0.3)  # until the threads watch
    return changes


@pytest.mark.parametrize("path", ["features/notes/crud.py", ".env", "../secrets/key"])
def test_code_settings_and_secrets_are_noticed(root: Path, changes: Changes, path: str) -> None:
    file = (root / path).resolve()
    new = file.with_name("new")
    new.write_text("a")
    new.replace(file)  # as editors do

    assert seen(changes, file.relative_to(root) if file.is_relative_to(root) else file)


def test_a_second_edit_of_settings_is_noticed_too(root: Path, changes: Changes) -> None:
    (root / ".env").write_text("A=1")
    assert seen(changes, Path(".env"))
    time.sleep(0.3)

    (root / ".env").write_text("A=2")

    assert seen(changes, Path(".env"))


def test_a_feature_that_is_moved_away_whole_is_noticed(root: Path, changes: Changes) -> None:
    (root / "features" / "notes").rename(root / "notes")

    assert seen(changes, Path("features/notes"))


@pytest.mark.parametrize("path", ["features/notes/tests/test_x.py", "features/.#crud.py", "a.py"])
def test_what_the_application_does_not_load_is_passed_over(
    root: Path, changes: Changes, path: str
) -> None:
    (root / path).write_text("a")
    (root / "features" / "last.py").write_text("a")

    edited: set[Path] = set()
    while Path("features/last.py") not in edited:
        batch = changes.get(timeout=5)
        assert not isinstance(batch, str)
        edited |= batch
    assert edited == {Path("features/last.py")}
