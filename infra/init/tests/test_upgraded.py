"""A whole clone takes a later version of the template, and passes its gates."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from infra.checks import ROOT
from infra.local.postgres import start_postgres
from tests.copies import commit_all, git, run_module

pytestmark = [pytest.mark.drill, pytest.mark.longest]

TAG = "v9.0.0"
COLUMN = "    id: int | None = Column(default=None, primary_key=True)\n\n\nclass TierCreate"
NOTED = COLUMN.replace("\n\n\n", '\n    note: str = Column(default="", max_length=50)\n\n\n')
# What each side changes: what is found, and what it becomes; no text is found in every file's end.
THEIRS = {
    "infra/upgrade/__init__.py": ('VERSION = "0.1.0"', 'VERSION = "9.0.0"'),
    "features/tiers/models.py": (COLUMN, NOTED),
    "features/auth/crud.py": ("", "\n\n# Later.\n"),
    "features/posts/crud.py": ("", "\n\n# Later.\n"),
    "platform/kernel/seed.py": ("", "\n# Later.\n"),
    "infra/init/__main__.py": ("", "\n# Later.\n"),
    "docs/caching.md": ("# ", "# Later: "),
    "README.md": ("# ", "# Later: "),
    "CHANGELOG.md": ("## [Unreleased]\n", "## [9.0.0]\n"),
}
MINE = {
    "features/tiers/models.py": ("NAME_TAKEN = ", "# Ours.\nNAME_TAKEN = "),
    "docs/caching.md": ("", "\nOurs is different.\n"),
    "infra/secrets.sh": ("", "\n# Ours.\n"),
}
# In a copy, the editable installation is still that of this checkout.
ELSEWHERE = "not test_the_standard_library_keeps_its_platform_and_ours_load_from_here"
NEW = "receipts"  # what the generator writes
FIELDS = ("number:str:unique", "due:date", "owner:user")
GATES = (f"features/{NEW}", "features/tiers", "infra/upgrade", "tests")


def change(root: Path, changes: Mapping[str, tuple[str, str]]) -> None:
    for name, (before, after) in changes.items():
        text = (root / name).read_text()
        assert before in text, name
        (root / name).write_text(text.replace(before, after, 1) if before else text + after)


def done(root: Path, *command: str) -> str:
    """Run the module, which must succeed, and say how long it took."""
    began = time.monotonic()
    run = run_module(root, *command)
    assert run.returncode == 0, run.stdout[-5000:] + run.stderr[-3000:]
    print(f"{time.monotonic() - began:6.1f} s  {' '.join(command[:6])}")
    return run.stdout


@dataclass
class Sides:
    """The template with two versions, and a product of the first."""

    template: Path
    product: Path

    def copy(self, name: str) -> Path:
        """The product once more."""
        copy = self.product.with_name(name)
        shutil.copytree(self.product, copy, symlinks=True)
        return copy

    def upgrade(self, root: Path) -> str:
        return done(root, "infra.upgrade", TAG, "--remote", str(self.template))


@pytest.fixture(scope="module")
def sides(tmp_path_factory: pytest.TempPathFactory) -> Sides:
    folder = tmp_path_factory.mktemp("upgrade")
    template, product = folder / "template", folder / "product"
    for name in git(ROOT, "ls-files", "-co", "--exclude-standard", "-z").split("\0"):
        if name and (ROOT / name).exists():
            (template / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, template / name, follow_symlinks=False)
    commit_all(template, "Template")
    git(template, "tag", "v0.1.0")
    git(folder, "clone", "-q", "template", "product")
    for name, value in (("user.name", "Ada"), ("user.email", "ada@example.com")):
        git(product, "config", name, value)
    dropped = ("--drop", "posts", "--drop", "findings", "--drop", "decisions")
    done(product, "infra.init", "ACME Portal", "--holder", "Ada", *dropped, "--yes")
    commit_all(product, "Begin")
    done(product, "infra.scaffold", NEW, *FIELDS)
    commit_all(product, "Receipts")
    change(product, MINE)
    commit_all(product, "Ours")

    change(template, THEIRS)
    (template / "findings/later.sh").write_text("#!/bin/sh\n")
    done(template, "infra.revisions", "note of tiers")
    commit_all(template, "Later")
    git(template, "tag", TAG)
    return Sides(template, product)


def tree(root: Path) -> str:
    return git(root, "rev-parse", "HEAD^{tree}")


def migrate(root: Path, url: str) -> None:
    """Bring a database of that product to its newest revision."""
    path = os.pathsep.join([str(root), str(root / "platform")])
    addresses = {"DATABASE_URL": url, "DATABASE_OWNER_URL": url}
    subprocess.run(
        [sys.executable, "-m", "alembic", "upgrade", "head"],
        cwd=root,
        env=os.environ | {"PYTHONPATH": path, "ENVIRONMENT": "local", **addresses},
        check=True,
        capture_output=True,
    )


def test_a_product_takes_a_later_version_keeps_what_is_its_own_and_passes_its_gates(
    sides: Sides, tmp_path: Path
) -> None:
    root = sides.copy("straight")
    deployed = start_postgres(tmp_path / "deployed", durable=False)
    try:
        migrate(root, deployed.url)
        said = sides.upgrade(root)
        migrate(root, deployed.url)
    finally:
        deployed.stop()
    print(said)

    assert "note_of_tiers" in said
    assert git(root, "status", "--porcelain") == ""
    for name in MINE:
        assert "ours" in (root / name).read_text().lower(), name
    assert "# Later." in (root / "platform/kernel/seed.py").read_text()
    assert (root / "docs/caching.md").read_text().startswith("# Later: ")
    assert (root / "README.md").read_text().startswith("# ACME Portal\n")
    assert "9.0.0" not in (root / "CHANGELOG.md").read_text()
    assert 'name = "acme-portal"' in (root / "pyproject.toml").read_text()
    for gone in ("features/posts", "findings", "docs/decisions", "infra/init/parts"):
        assert not (root / gone).exists(), gone
    done(root, "pytest", "-q", "-n", "2", "-k", ELSEWHERE, *GATES)
    print(done(root, "infra.checks"))


def test_a_product_without_history_comes_to_the_same(sides: Sides) -> None:
    straight, root = sides.product.with_name("straight"), sides.copy("apart")
    if not straight.exists():
        sides.upgrade(sides.copy("straight"))
    shutil.rmtree(root / ".git")
    commit_all(root, "A copy")
    for name, value in (("user.name", "Ada"), ("user.email", "ada@example.com")):
        git(root, "config", name, value)

    sides.upgrade(root)

    assert tree(root) == tree(straight)
    assert "Join the template's history" in git(root, "log", "--format=%s")


@pytest.mark.parametrize("seconds", [0.02, 0.15, 0.4, 1.5])
def test_a_killed_upgrade_is_taken_back_with_nothing_lost_and_can_be_gone_on_with(
    sides: Sides, seconds: float
) -> None:
    root = sides.copy(f"killed-{seconds}")
    before = tree(root)
    path = os.pathsep.join([str(root), str(root / "platform")])
    command = [sys.executable, "-m", "infra.upgrade", TAG, "--remote", str(sides.template)]
    process = subprocess.Popen(
        command,
        cwd=root,
        env=os.environ | {"PYTHONPATH": path},
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    while not (root / ".git/upgrade.json").exists():
        time.sleep(0.005)
    time.sleep(seconds)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    other = root.with_name(f"on-{seconds}")
    shutil.copytree(root, other, symlinks=True)

    done(root, "infra.upgrade", "--abort")
    assert (tree(root), git(root, "status", "--porcelain")) == (before, "")
    if seconds == 0.15:
        done(other, "infra.upgrade", "--continue")
        assert git(other, "status", "--porcelain") == ""
        assert tree(other) == tree(sides.product.with_name("straight"))
