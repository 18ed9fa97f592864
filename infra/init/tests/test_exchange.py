"""The command: it refuses with a sentence, and does all of it or nothing."""

import os
from pathlib import Path

import pytest

from infra.init import __main__ as init
from infra.init import afterwards, product, stage
from infra.init.errors import InitError
from tests.copies import commit_all, git

NAMED = ["My product", "--keep-all", "--yes"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A small repository, all of it committed."""
    for name, text in {
        "pyproject.toml": '[project]\nname = "x"\ndependencies = []\n[dependency-groups]\n',
        "a/b/gone.txt": "gone",
        "kept.txt": "before",
        ".gitignore": ".env\n__pycache__/\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    commit_all(tmp_path, "Begin")
    (tmp_path / ".env").write_text("SECRET_KEY=mine")
    return tmp_path


def change(copy: Path, *_: object) -> None:
    """What stands in for the making of a product: a file goes, one changes, one comes."""
    (copy / "a/b/gone.txt").unlink()
    (copy / "kept.txt").write_text("after")
    (copy / "new").mkdir()
    (copy / "new/file.txt").write_text("new")


def test_the_tree_becomes_what_the_copy_is_and_what_git_ignores_stays(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(product, "make", change)
    (root / "a/b/__pycache__").mkdir()
    (root / "a/b/__pycache__/gone.pyc").touch()

    code = init.main(NAMED, root)

    assert code == 0, capsys.readouterr().out
    assert (root / "kept.txt").read_text() == "after"
    assert (root / "new/file.txt").read_text() == "new"
    assert (root / ".env").read_text() == "SECRET_KEY=mine"
    assert not (root / "a").exists()
    assert not list((root / ".git").glob("init-*"))


def test_what_fails_or_is_interrupted_in_the_copy_changes_nothing(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for error in (InitError("It doesn't fit."), KeyboardInterrupt()):

        def fail(copy: Path, *_: object, error: BaseException = error) -> None:
            change(copy)
            raise error

        monkeypatch.setattr(product, "make", fail)

        assert init.main(NAMED, root) == 1
        assert git(root, "status", "--porcelain") == ""
        assert not list((root / ".git").glob("init-*"))
    said = capsys.readouterr().out
    assert "It doesn't fit." in said
    assert "Interrupted; nothing was changed." in said


def test_a_disk_that_is_full_in_the_exchange_leaves_everything_as_it_was(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(product, "make", change)
    replace = os.replace

    def full(source: Path, target: Path) -> None:
        if target.name == "file.txt":
            raise OSError(28, "No space left on device")
        replace(source, target)

    monkeypatch.setattr(os, "replace", full)

    assert init.main(NAMED, root) == 1
    assert "No space left on device: everything is as it was" in capsys.readouterr().out
    assert git(root, "status", "--porcelain") == ""


def test_after_a_kill_in_the_exchange_the_next_run_puts_the_tree_back(root: Path) -> None:
    (root / ".git/init-journal").write_text("new/file.txt")
    (root / "new").mkdir()
    (root / "new/file.txt").write_text("new")
    (root / "a/b/gone.txt").unlink()

    assert stage.recover(root) is True
    assert stage.recover(root) is False
    assert git(root, "status", "--porcelain") == ""


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "What is your product called?"),
        (["My product"], "--keep-all"),
        (["My product", "--keep-all"], "Add --yes"),
        (["X\ty", "--keep-all", "--yes"], "one line"),
    ],
)
def test_without_a_terminal_a_sentence_says_what_is_missing(
    root: Path, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert init.main(words, root) == 1
    assert said in capsys.readouterr().out
    assert git(root, "status", "--porcelain") == ""


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["X", "--drop", "comments"], "no such part: comments. There are posts"),
        (["X", "--drop", "posts", "--keep-all"], "exclude each other"),
    ],
)
def test_options_that_make_no_sense_are_named(
    root: Path, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        init.main(words, root)

    assert said in capsys.readouterr().err


def test_what_is_not_committed_stops_it(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "kept.txt").write_text("mine")

    assert init.main(NAMED, root) == 1
    assert "Not committed: kept.txt (1 in all)" in capsys.readouterr().out
    assert (root / "kept.txt").read_text() == "mine"


def test_the_plan_says_what_goes_along(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert init.main(["My product", "--drop", "posts", "--dry-run"], root) == 0

    said = capsys.readouterr().out
    assert "bench" in said
    assert "(goes along with posts)" in said
    assert "one first revision" in said
    assert git(root, "status", "--porcelain") == ""


def test_a_second_run_says_that_it_has_been_done(capsys: pytest.CaptureFixture[str]) -> None:
    assert afterwards.main() == 1
    assert "already" in capsys.readouterr().out
