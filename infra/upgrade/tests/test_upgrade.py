"""A later version comes in: what stays, what is taken, what is told, and the ways back."""

from pathlib import Path

import pytest

from infra.upgrade import fetching, merging, state
from infra.upgrade.__main__ import main
from infra.upgrade.state import State
from infra.upgrade.tests.template import make_product, make_template, write
from tests.copies import git

Said = pytest.CaptureFixture[str]
WAYS = [
    "--continue",
    pytest.param("--abort", marks=[pytest.mark.drill, pytest.mark.parallel]),
]


@pytest.fixture
def template(tmp_path: Path) -> Path:
    return make_template(tmp_path / "template")


@pytest.fixture
def root(template: Path, tmp_path: Path) -> Path:
    return make_product(template, tmp_path / "product")


def upgrade(root: Path, template: Path, *more: str) -> int:
    return main(["v0.2.0", "--remote", str(template), *more], root)


def text(root: Path, name: str) -> str:
    return (root / name).read_text()


def clean(root: Path) -> bool:
    return git(root, "status", "--porcelain") == "" and state.read(root) is None


def test_what_is_the_products_stays_and_what_is_the_templates_comes(
    root: Path, template: Path, said: Said
) -> None:
    assert upgrade(root, template) == 0, said.readouterr().out

    assert clean(root)
    assert text(root, "README.md") == "# Mine\n"
    assert text(root, "CHANGELOG.md") == "# Changelog of mine\n"
    assert 'name = "mine"\nversion = "3.1.0"' in text(root, "pyproject.toml")
    assert text(root, "features/notes/router.py") == "notes\n"
    assert text(root, "features/keys/router.py") == "keys\n"
    assert text(root, "features/plans/router.py") == "plans, later\n"
    assert text(root, "platform/kernel/app.py") == "one, later\ntwo\nthree\nfour\nfive, mine\n"
    assert git(root, "log", "-1", "--format=%s") == "Take v0.2.0 of the template\n"
    assert git(root, "tag") == ""  # the template's aren't the product's


def test_what_init_left_out_stays_away(root: Path, template: Path) -> None:
    assert upgrade(root, template) == 0

    assert not (root / "features/news").exists()
    assert text(root, "infra/init/__main__.py") == "has been run\n"
    assert not (root / "infra/init/more.py").exists()


def test_a_feature_that_was_removed_later_stays_away(root: Path, template: Path) -> None:
    write(root, {"features/plans/router.py": None}, "Without plans")

    assert upgrade(root, template) == 0

    assert not (root / "features/plans").exists()


def test_the_templates_revisions_come_after_the_products_and_that_is_told(
    root: Path, template: Path, said: Said
) -> None:
    assert upgrade(root, template) == 0

    second = text(root, "migrations/versions/2026_02_02_second.py")
    third = text(root, "migrations/versions/2026_02_03_third.py")
    assert 'down_revision: str | None = "mine"' in second
    assert "Revises: mine" in second
    assert "'second'" in third
    assert "second now comes after mine" in said.readouterr().out


def test_a_conflict_is_told_in_a_sentence_and_settled_by_hand(
    root: Path, template: Path, said: Said
) -> None:
    write(root, {"platform/kernel/app.py": "one, mine\ntwo\nthree\nfour\nfive\n"}, "Mine")
    write(root, {"features/users/router.py": None}, "Gone")
    write(template, {"features/users/router.py": "users, later\n"}, "Third")
    write(root, {"features/users/crud.py": "still there\n"}, "A feature of mine")
    git(template, "tag", "-f", "v0.2.0")

    assert upgrade(root, template) == 1
    told = said.readouterr().out
    assert "platform/kernel/app.py\n    You and the template changed it" in told
    assert "git checkout --theirs platform/kernel/app.py" in told
    assert "features/users/router.py\n    You deleted it, and the template changed it" in told
    assert "2 files to settle by hand" in told

    git(root, "rm", "-q", "features/users/router.py")
    git(root, "add", "platform/kernel/app.py")  # with its markers
    assert main(["--continue"], root) == 1
    assert said.readouterr().out.split() == ["Not", "settled", "yet:", "platform/kernel/app.py"]
    assert upgrade(root, template) == 1
    assert "An upgrade to v0.2.0 is under way" in said.readouterr().out

    (root / "platform/kernel/app.py").write_text("one, both\ntwo\nthree\nfour\nfive\n")
    git(root, "add", "platform/kernel/app.py")
    assert main(["--continue"], root) == 0
    assert clean(root)


def test_what_was_taken_back_is_as_it_was_and_what_was_settled_is_kept(
    root: Path, template: Path
) -> None:
    write(root, {"platform/kernel/app.py": "one, mine\ntwo\nthree\nfour\nfive\n"}, "Mine")
    before = git(root, "rev-parse", "HEAD")
    assert upgrade(root, template) == 1
    (root / "platform/kernel/app.py").write_text("half settled\n")

    assert main(["--abort"], root) == 0

    assert git(root, "rev-parse", "HEAD") == before
    assert clean(root)
    kept = git(root, "show", "refs/upgrade/aborted:platform/kernel/app.py")
    assert kept == "half settled\n"


@pytest.mark.parametrize("way", WAYS)
def test_a_merge_that_was_killed_while_it_wrote_goes_on_or_goes_back(
    root: Path, template: Path, way: str
) -> None:
    head = git(root, "rev-parse", "HEAD").strip()
    git(root, "fetch", "-q", str(template), "refs/tags/v0.2.0:refs/template/v0.2.0")
    commit = git(root, "rev-parse", "refs/template/v0.2.0").strip()
    State("v0.2.0", commit, head, "refs/heads/main").kept(root)
    (root / ".git/index.lock").touch()
    (root / "platform/kernel/app.py").write_text("one, la")
    (root / "features/keys").mkdir()
    (root / "features/keys/router.py").write_text("ke")
    (root / "thoughts.txt").write_text("mine, and no file of the template's")

    assert main([way], root) == 0

    assert state.read(root) is None
    assert (root / "thoughts.txt").exists()
    assert (root / "features/keys").exists() == (way == "--continue")
    assert (git(root, "rev-parse", "HEAD").strip() == head) == (way == "--abort")


@pytest.mark.parametrize("way", WAYS)
def test_an_upgrade_that_was_killed_after_the_merge_goes_on_or_goes_back(
    root: Path, template: Path, way: str
) -> None:
    head = git(root, "rev-parse", "HEAD").strip()
    git(root, "fetch", "-q", str(template), "refs/tags/v0.2.0:refs/template/v0.2.0")
    commit = git(root, "rev-parse", "refs/template/v0.2.0").strip()
    now = State("v0.2.0", commit, head, "refs/heads/main").kept(root)
    merging.merge(root, now)
    (root / ".git/index.lock").touch()

    assert main([way], root) == 0

    assert clean(root)
    assert text(root, "README.md") == "# Mine\n"
    assert not (root / "features/news").exists()
    assert (root / "features/keys").exists() == (way == "--continue")


def test_a_product_without_the_templates_history_is_joined_to_it_once(
    template: Path, tmp_path: Path, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "VERSION", "0.1.0")
    root = make_product(template, tmp_path / "copy", history=False)

    assert upgrade(root, template) == 0, said.readouterr().out

    assert clean(root)
    assert text(root, "platform/kernel/app.py") == "one, later\ntwo\nthree\nfour\nfive, mine\n"
    assert not (root / "features/news").exists()
    write(template, {"platform/kernel/new.py": "new\n"}, "Third")
    git(template, "tag", "v0.3.0")
    assert main(["v0.3.0", "--remote", str(template)], root) == 0
    assert text(root, "platform/kernel/new.py") == "new\n"


def test_it_refuses_with_a_sentence_and_changes_nothing(
    root: Path, template: Path, tmp_path: Path, said: Said
) -> None:
    def told(*words: str) -> str:
        assert main(words, root) == 1
        assert state.read(root) is None
        return said.readouterr().out

    assert "Where is the template?" in told("v0.2.0") or "template" in git(root, "remote")
    assert "has no tag v9" in told("v9", "--remote", str(template))
    assert "It has v0.1.0, v0.2.0." in told("v9", "--remote", str(template))
    assert "can't be reached" in told("v0.2.0", "--remote", str(tmp_path / "nowhere"))
    assert "can't be the name of a tag" in told("v0 2", "--remote", str(template))
    assert told("--abort") == told("--continue") == "No upgrade is under way.\n"
    (root / "unsaved.txt").write_text("not yet\n")
    assert "Not committed: unsaved.txt (1 in all)" in told("v0.2.0", "--remote", str(template))


def test_a_version_that_is_in_already_changes_nothing(
    root: Path, template: Path, said: Said
) -> None:
    assert main(["v0.1.0", "--remote", str(template)], root) == 0
    assert "is in this project already" in said.readouterr().out


@pytest.fixture
def said(capsys: Said) -> Said:
    return capsys
