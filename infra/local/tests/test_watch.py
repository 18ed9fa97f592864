"""Tests of what counts as an edit."""

import queue
import time
from collections.abc import Callable
from contextlib import suppress
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


def seen(changes: Changes, path: Path, edit: Callable[[], object] = lambda: None) -> bool:
    """Whether that path is among the edits. `edit` is done again each second: the first one may
    come before the threads watch."""
    for _ in range(10):
        edit()
        deadline = time.monotonic() + 1
        while time.monotonic() < deadline:
            with suppress(queue.Empty):
                if path in changes.get(timeout=0.1):
                    return True
    return False


@pytest.fixture
def changes(root: Path) -> Changes:
    """Of folders that are watched by now, and of two files."""
    changes: Changes = queue.SimpleQueue()
    files = [root / ".env", root.parent / "secrets" / "key"]
    files[1].parent.mkdir()
    watch(root, lambda: files, changes)
    first = root / "features" / "first.py"
    assert seen(changes, Path("features/first.py"), lambda: first.write_text(str(time.monotonic())))
    return changes


@pytest.mark.parametrize("path", ["features/notes/crud.py", ".env", "../secrets/key"])
def test_code_settings_and_secrets_are_noticed(root: Path, changes: Changes, path: str) -> None:
    file = (root / path).resolve()

    def replace() -> None:  # as editors do
        new = file.with_name("new")
        new.write_text("a")
        new.replace(file)

    assert seen(changes, file.relative_to(root) if file.is_relative_to(root) else file, replace)


def test_a_second_edit_of_settings_is_noticed_too(root: Path, changes: Changes) -> None:
    def edit() -> None:
        (root / ".env").write_text(f"A={time.monotonic()}")

    assert [seen(changes, Path(".env"), edit) for _ in range(2)] == [True, True]


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
        batch = changes.get(timeout=30)
        assert not isinstance(batch, str)
        edited |= batch
    assert edited - {Path("features/first.py")} == {Path("features/last.py")}
