"""The layout of this checkout, and each rule of it against a tree that breaks it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from infra.checks import ROOT, layout

LONG_FUNCTION = "def long() -> None:\n" + "    pass\n" * layout.FUNCTION_LINES


def too_long(most: int, problem: str) -> tuple[str, str]:
    """A file with one line more than a budget, and what is said of it."""
    return "n = 1\n" * (most + 1), f"{problem} {most + 1} lines of code"


BREACHES = [
    ("platform/__init__.py", "", "platform/ is a source root like src/"),
    ("platform/conftest.py", "", "the root's conftest.py is the only one"),
    ("platform/other/__init__.py", "", "platform/ has one child"),
    ("start.py", "", "start.py: the root holds documents and settings of tools"),
    ("a-package-surprises.sh", "", "a-package-surprises.sh: the root holds documents"),
    ("features/comments.py", "", "a feature is a folder"),
    ("features/comments/router.py", "", "features/comments: models.py is missing"),
    ("features/notes/utils.py", "", "'utils' says nothing"),
    ("features/notes/common/texts.py", "", "'common' says nothing"),
    ("platform/kernel/queue.py", "", "the standard library has a module 'queue'"),
    ("workers/cron/nightly.py", "", "its folder has no __init__.py"),
    ("platform/kernel/db/long.py", *too_long(layout.KERNEL_LINES, "the kernel has")),
    (
        "platform/kernel/long.py",
        *too_long(layout.WIRING_LINES, "the wiring at the kernel's root has"),
    ),
    ("platform/kernel/fast/long.py", *too_long(layout.FAST_LINES, "kernel/fast has")),
    ("workers/long.py", *too_long(layout.WORKER_LINES, "workers/ has")),
    ("features/notes/long.py", "n = 1\n" * 201, "201 lines, more than 200: split it by subject"),
    ("features/notes/tests/test_long.py", "n = 1\n" * 321, "more than 320: split it by subject"),
    ("platform/kernel/db/unit_of_work.py", "n = 1\n" * 281, "281 lines, more than 280"),
    ("features/notes/deep.py", LONG_FUNCTION, "long has 41 lines"),
    ("features/notes/router.py", "from kernel.cache import cache\n", "cache_keys.py is missing"),
    ("features/notes/broken.py", "def (:\n", "features/notes/broken.py:1: invalid syntax"),
]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The smallest tree without a problem."""
    for folder in layout.PACKAGES:
        (tmp_path / folder).mkdir()
    for path in [
        "platform/kernel/__init__.py",
        "features/__init__.py",
        "features/notes/__init__.py",
        "features/notes/models.py",
        "features/notes/crud.py",
        "features/notes/router.py",
        "features/notes/tests/__init__.py",
        "workers/__init__.py",
    ]:
        _write(tmp_path, path)
    return tmp_path


def _write(root: Path, path: str, text: str = "") -> None:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def test_this_checkout_keeps_the_layout() -> None:
    assert layout.problems(ROOT) == []


def test_the_smallest_good_tree_passes(tree: Path) -> None:
    assert layout.problems(tree) == []


@pytest.mark.parametrize(("path", "text", "message"), BREACHES)
def test_a_breach_is_named(tree: Path, path: str, text: str, message: str) -> None:
    _write(tree, path, text)

    assert message in "\n".join(layout.problems(tree))


def test_what_a_deleted_feature_left_behind_is_no_feature(tree: Path) -> None:
    (tree / "features" / "gone" / "__pycache__").mkdir(parents=True)

    assert layout.problems(tree) == []


def test_tests_count_for_no_budget(tree: Path) -> None:
    _write(tree, "platform/kernel/tests/__init__.py")
    for number in range(15):
        _write(tree, f"platform/kernel/tests/test_{number}.py", "n = 1\n" * 300)

    assert layout.problems(tree) == []


def test_only_lines_with_code_are_counted(tmp_path: Path) -> None:
    _write(
        tmp_path,
        "f.py",
        '"""Doc\nstring."""\n\n# remark\nx = [\n    1,  # one\n\n]\ny = """a\nb"""\n',
    )

    assert layout.lines_of_code(tmp_path / "f.py") == 5


def test_the_standard_library_keeps_its_platform_and_ours_load_from_here(tmp_path: Path) -> None:
    names = "platform, kernel, features, workers, infra"
    code = f"import {names}\nfor module in ({names}): print(module.__file__)"

    for folder in (ROOT, ROOT / "platform", tmp_path):
        # Python itself takes the working folder as the first place to look at with -c.
        command = [sys.executable, "-c", code]
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        run = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=True
        )
        library, *ours = run.stdout.splitlines()

        assert library == os.path.join(os.path.dirname(os.__file__), "platform.py")
        assert ours == [
            str(ROOT / path / "__init__.py")
            for path in ("platform/kernel", "features", "workers", "infra")
        ]


def test_a_clone_has_unix_line_ends_whatever_git_is_told() -> None:
    command = ["git", "check-attr", "eol", "infra/secrets.sh", "pyproject.toml", "README.md"]

    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)

    assert [line.rpartition(" ")[2] for line in run.stdout.splitlines()] == ["lf"] * 3
