"""A feature is written in a scratch copy, tested there, and removed; nothing else changes.

`hatch run drill --full -k new_and_remove` does so for every type, modifier and flag. Most of the
features stand side by side there, since most of the time of each goes into what several can share:
starting servers, collecting tests, walking all revisions.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from infra.checks import ROOT
from infra.scaffold import steps
from infra.scaffold.names import singular
from infra.scaffold.tests.test_rendered import EVERY, FIVE, written
from tests.copies import commit_all, copy_to, git, run_module

pytestmark = [pytest.mark.drill, pytest.mark.parallel]

OPTIONS = {name: f"--{name}={{}}" for name in ("key", "transitions", "requires", "singular")}
Variant = tuple[str, str, dict[str, Any]]
# What the command itself writes; and what is written side by side, in three lots of one length.
PLAIN, WITH_ALL = EVERY[0], EVERY[6]
OTHERS = [variant for variant in EVERY if variant not in (PLAIN, WITH_ALL)]
LOTS = [OTHERS[first::3] for first in range(3)]
# `new` itself has checked the sizes, and the types of all but the revision.
CHECKS = ("format", "lint", "imports", "layout", "indexes", "migrations", "personal_data")


class Checkout:
    """A copy of this checkout, with its changes as git sees them."""

    def __init__(self, folder: Path) -> None:
        self.root = copy_to(folder)
        known = ROOT / ".mypy_cache"
        if known.is_dir():
            shutil.copytree(known, self.root / known.name)
        commit_all(self.root, "as it was")

    @property
    def changes(self) -> list[str]:
        return git(self.root, "status", "--porcelain", "-uall").splitlines()

    def run(self, *command: str) -> str:
        """What a module of the copy says; it must go well."""
        run = run_module(self.root, *command, timeout=1800)
        assert run.returncode == 0, f"{command}\n{run.stdout}{run.stderr}"
        return run.stdout + run.stderr


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path / "copy")


def words_of(words: str, options: dict[str, Any], name: str = "invoices") -> list[str]:
    flags = [
        OPTIONS.get(option, f"--{option.replace('_', '-')}").format(value)
        for option, value in options.items()
    ]
    return [name, *words.split(), *flags]


@pytest.mark.parametrize(
    ("name", "words", "options"),
    [PLAIN, pytest.param(*WITH_ALL, marks=pytest.mark.longest)],
    ids=["plain", "with_all"],
)
def test_new_and_remove_leave_a_checkout_as_it_was(
    checkout: Checkout,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    words: str,
    options: dict[str, Any],
) -> None:
    monkeypatch.setenv("FUZZ_SECONDS", "10")
    began = time.monotonic()
    checkout.run("infra.scaffold", *words_of(words, options, name))
    print(f"\nwritten, recorded and tested in {time.monotonic() - began:.0f} s")

    take_away(checkout, [(name, words, options)])


@pytest.mark.longest
@pytest.mark.parametrize("lot", LOTS, ids=["first", "second", "third"])
def test_new_and_remove_of_every_kind(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch, lot: list[Variant]
) -> None:
    monkeypatch.setenv("FUZZ_SECONDS", "10")
    names = [name for name, _, _ in lot]

    for name, words, options in lot:
        written(checkout.root, words, options, name)
    checkout.run("infra.revisions", "add every kind")
    checkout.run("infra.env_example")
    checkout.run("infra.checks", *names)
    checkout.run("pytest", "-q", *names, *steps.RECORD, "-m", steps.UNFUZZED)
    checkout.run("pytest", "-q", *names, "tests/gates/test_fuzz.py")

    take_away(checkout, lot)


def take_away(checkout: Checkout, features: list[Variant]) -> None:
    """See that nothing but the features was written and all goes well with them; remove them."""
    folders = tuple(f"?? features/{name}/" for name, _, _ in features)
    others = [line for line in checkout.changes if not line.startswith(folders)]
    settings = any(options.get("settings") for _, _, options in features)
    edited = [" M .env.example"] if settings else []
    assert others[: len(edited)] == edited
    revisions = [line.removeprefix("?? ") for line in others[len(edited) :]]
    assert all(path.startswith("migrations/versions/") for path in revisions)
    checkout.run("mypy", *revisions)
    checkout.run("infra.checks", *CHECKS)

    for name, _, options in features:
        said = checkout.run("infra.scaffold.remove", name, "--yes")
        assert f"table {options.get('singular') or singular(name)}" in said

    left = checkout.changes
    assert [line for line in left if not line.startswith("?? migrations/versions/")] == []
    assert all(any(f"remove_{name}" in line for line in left) for name, _, _ in features)
    checkout.run("infra.checks", "migrations", "lint", "format")


# One handler takes both.
@pytest.mark.parametrize(
    "asked", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.longest)]
)
def test_when_new_is_interrupted_nothing_of_it_is_left(
    checkout: Checkout, asked: signal.Signals
) -> None:
    path = os.pathsep.join([str(checkout.root), str(checkout.root / "platform")])
    process = subprocess.Popen(
        [sys.executable, "-m", "infra.scaffold", *words_of(f"{FIVE} owner:user", {})],
        cwd=checkout.root,
        env={**os.environ, "PYTHONPATH": path},
        stderr=subprocess.PIPE,
        text=True,
    )
    while not (checkout.root / "features" / "invoices").exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    time.sleep(1)  # in the midst of the revision

    process.send_signal(asked)

    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "nothing of it is left" in said
    assert checkout.changes == []
