"""Features that can go do so whole: without their folders, every gate that remains is green.

All of them at once leave the least, and all of that runs: the whole suite, fuzzer and bench. Where
one is gone alone, what fails is about another one that may go, and names this one: those tests run.
What a product lets go first gets every check and gate, fuzzer and bench there, too.
"""

import re
import shlex
import time
from pathlib import Path

import pytest

from infra.scaffold.tests.test_new_and_remove import Checkout
from kernel import discovery
from tests.copies import git, run_module
from tests.needs import may_go

MAY_GO = sorted(set(may_go()) & set(discovery.names()))
FIRST = [name for name in MAY_GO if name in {"admin", "posts", "tasks"}]
UNNAMED = {"tasks"}  # whose outbox every feature uses by the kernel's `jobs`
# In a copy, the editable installation is still that of this checkout.
ELSEWHERE = "not test_the_standard_library_keeps_its_platform_and_ours_load_from_here"
TESTS = ("pytest", "-q", "-k", ELSEWHERE)
SIDE_BY_SIDE = (*TESTS, "-n", "auto")
FUZZED = ("pytest", "-q", "-m", "drill", "-k", "superuser", "infra/drills/test_fuzz.py")
COLLECTED = ("pytest", "-q", "-m", "drill or not drill", "--collect-only")

pytestmark = [pytest.mark.drill, pytest.mark.longest]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy for all tests, which so keeps what mypy knows of it."""
    return Checkout(tmp_path_factory.mktemp("removed") / "copy").root


@pytest.fixture
def copy(kept: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """It, with every feature."""
    monkeypatch.setenv("FUZZ_SECONDS", "10")
    git(kept, "restore", ".")
    git(kept, "clean", "-fdq")
    print()
    return kept


def test_without_all_that_may_go_all_that_remains_runs(copy: Path) -> None:
    passes(copy, "infra.scaffold.remove", *MAY_GO, "--yes")

    passes(copy, "infra.checks")
    passes(copy, *SIDE_BY_SIDE)
    passes(copy, *COLLECTED)
    passes(copy, *FUZZED)
    passes(copy, "infra.bench", "--smoke")


@pytest.mark.parametrize("feature", FIRST)
def test_without_what_goes_first_every_gate_remains(copy: Path, feature: str) -> None:
    passes(copy, "infra.scaffold.remove", feature, "--yes")

    rooms = ["features"] if feature in UNNAMED else []
    passes(copy, "infra.checks")
    passes(copy, *SIDE_BY_SIDE, "tests/gates", *naming(copy, feature), *rooms)
    passes(copy, *COLLECTED)
    passes(copy, *FUZZED)
    passes(copy, "infra.bench", "--smoke", "--route", "me")


@pytest.mark.parallel
@pytest.mark.parametrize("feature", [name for name in MAY_GO if name not in FIRST])
def test_what_names_a_removed_feature_does_without(copy: Path, feature: str) -> None:
    passes(copy, "infra.scaffold.remove", feature, "--yes")

    passes(copy, "infra.checks", "imports", "layout", "indexes", "personal_data")
    passes(copy, *TESTS, *naming(copy, feature))
    passes(copy, *COLLECTED)


def naming(root: Path, feature: str) -> list[str]:
    """The files of tests, but the gates, that name it or one of its rows in an address."""
    name, one = feature.replace("_", "[_-]"), feature.removesuffix("s").replace("_", "[_-]")
    named = re.compile(rf"\b{name}\b|/{one}\b")
    return [
        str(path.relative_to(root))
        for path in sorted(root.rglob("test_*.py"))
        if path.parent.name != "gates" and named.search(path.read_text())
    ]


def passes(copy: Path, *command: str) -> None:
    """Run the module in the copy, and say how long it took; it must go well."""
    began = time.monotonic()
    run = run_module(copy, *command)
    print(f"{time.monotonic() - began:6.1f} s  {shlex.join(command)[:100]}", flush=True)
    assert run.returncode == 0, run.stdout[-6000:] + run.stderr[-2000:]
