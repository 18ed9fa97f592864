"""A feature is written in a scratch copy, tested there, and removed; nothing else changes.

`hatch run drill --full -k new_and_remove` does so for every type, modifier and flag.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from infra.scaffold.tests.test_rendered import FIVE, VARIANTS
from tests.copies import commit_all, copy_to, git, run_module

pytestmark = [pytest.mark.drill, pytest.mark.parallel]

OPTIONS = {name: f"--{name}={{}}" for name in ("key", "transitions", "requires")}
CHECKS = (
    *("format", "lint", "types", "imports", "layout", "indexes", "sizes", "migrations"),
    "personal_data",
)


class Checkout:
    """A copy of this checkout, with its changes as git sees them."""

    def __init__(self, folder: Path) -> None:
        self.root = copy_to(folder)
        commit_all(self.root, "as it was")

    @property
    def changes(self) -> list[str]:
        return git(self.root, "status", "--porcelain", "-uall").splitlines()

    def run(self, *command: str) -> str:
        """What a module of the copy says; it must go well."""
        run = run_module(self.root, *command, timeout=600)
        assert run.returncode == 0, run.stdout + run.stderr
        return run.stdout + run.stderr


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path / "copy")


def words_of(words: str, options: dict[str, Any]) -> list[str]:
    flags = [
        OPTIONS.get(name, f"--{name.replace('_', '-')}").format(value)
        for name, value in options.items()
    ]
    return ["invoices", *words.split(), *flags]


def write_and_remove(checkout: Checkout, words: str, options: dict[str, Any]) -> None:
    """Write it, check it, take it away again."""
    began = time.monotonic()
    checkout.run("infra.scaffold", *words_of(words, options))
    print(f"\nwritten, recorded and tested in {time.monotonic() - began:.0f} s")

    written = [line for line in checkout.changes if not line.startswith("?? features/invoices/")]
    edited = [" M .env.example"] if options.get("settings") else []
    assert written[: len(edited)] == edited
    assert all(line.startswith("?? migrations/versions/") for line in written[len(edited) :])
    checkout.run("infra.checks", *CHECKS)

    said = checkout.run("infra.scaffold.remove", "invoices", "--yes")

    assert "table invoice" in said
    left = checkout.changes
    assert [line for line in left if not line.startswith("?? migrations/versions/")] == []
    assert any("remove_invoices" in line for line in left)
    checkout.run("infra.checks", "migrations", "lint", "format")


def test_new_and_remove_leave_a_checkout_as_it_was(checkout: Checkout) -> None:
    write_and_remove(checkout, f"{FIVE} owner:user", {})


@pytest.mark.longest
@pytest.mark.parametrize(("words", "options"), VARIANTS[1:])
def test_new_and_remove_of_every_kind(
    checkout: Checkout, words: str, options: dict[str, Any]
) -> None:
    write_and_remove(checkout, words, options)


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
