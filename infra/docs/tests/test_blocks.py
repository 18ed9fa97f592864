"""Blocks are read as their authors meant, and what needs no server is checked at once."""

import ast
import json
from importlib import import_module
from pathlib import Path

import pytest

from infra.checks import ROOT
from infra.docs.blocks import FEATURE, Block, Command, blocks_of, commands_of
from infra.docs.comparing import excerpt_of, shows
from infra.docs.running import elsewhere
from kernel import discovery
from tests.needs import may_go

PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
BLOCKS = [block for page in PAGES for block in blocks_of(page, page.relative_to(ROOT).as_posix())]
EXCERPTS = [block for block in BLOCKS if block.title and (ROOT / block.file).is_file()]
GONE = set(may_go()) - set(discovery.names())  # of whose files excerpts are left
PYTHON = [
    block
    for block in BLOCKS
    if block.language == "python"
    and block not in EXCERPTS
    and not GONE & {*FEATURE.findall(block.title)}
]


@pytest.mark.parametrize("block", PYTHON, ids=lambda block: block.place)
def test_a_python_block_compiles_and_imports_what_the_kernel_exports(block: Block) -> None:
    flags = ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    tree = compile(block.code, block.place, "exec", flags=flags)

    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("kernel"):
            module = import_module(node.module or "")
            assert [name.name for name in node.names if not hasattr(module, name.name)] == []


def test_a_block_of_json_is_json() -> None:
    for block in BLOCKS:
        if block.language == "json" and "..." not in block.code:
            assert json.loads(block.code), block.place


def test_each_block_is_run_by_the_drill_of_pages_or_by_a_test_that_takes_it_from_its_page() -> None:
    assert [block.place for block in BLOCKS if block.not_run] == []
    for block in BLOCKS:
        if not block.run_by or GONE & {*FEATURE.findall(block.run_by)}:
            continue
        assert "code_run_by" in (ROOT / block.run_by).read_text(), block.place


def test_a_block_that_names_a_file_of_ours_is_an_excerpt_of_it() -> None:
    assert EXCERPTS
    for block in EXCERPTS:
        assert excerpt_of(block.code, (ROOT / block.file).read_text()) is None, block.place


def test_blocks_come_with_title_reason_and_setup(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "<!-- setup: console\ntouch x\n-->\n\n"
        '```python title="add to a/b.py"\nx = 1\n```\n\n'
        "<!-- not run: it is\n too slow -->\n```console\nsleep 9\n```\n\n```text\ntree\n```\n"
        "\n<!-- run by: a/test.py -->\n\n```js\nx()\n```\n"
    )

    hidden, python, console, text, browser = blocks_of(page, "page.md")

    assert (hidden.language, hidden.code, hidden.hidden) == ("console", "touch x\n", True)
    assert (python.file, python.adds, python.place) == ("a/b.py", True, "page.md:5")
    assert (console.not_run, text.not_run) == ("it is too slow", "")
    assert (text.run_by, browser.run_by) == ("", "a/test.py")


@pytest.mark.parametrize(
    ("code", "commands"),
    [
        ("ls\n# a remark\n\nls -a \\\n  -l\n", [Command("ls"), Command("ls -a -l")]),
        ("$ ls\na\nb\n$ cd\n", [Command("ls", "a\nb\n"), Command("cd")]),
        ('$ python -c "\n> x"\nout\n', [Command('python -c "\nx"', "out\n")]),
    ],
)
def test_commands_are_told_from_what_they_print(code: str, commands: list[Command]) -> None:
    assert commands_of(code) == commands


@pytest.mark.parametrize(
    ("expected", "actual", "same"),
    [
        ("", "anything", True),
        ('{"a": 1, ...}', '{"a":1,"b":2}', True),
        ('{"a": 1}', '{\n  "a": 1\n}', True),
        ('{"a": 2}', '{"a":1}', False),
        ("one\n...\nthree", "zero\none\ntwo\nthree\n", True),
        ("three\n...\none", "one\ntwo\nthree\n", False),
        ("1 passed", "1 failed", False),
    ],
)
def test_what_is_shown_is_compared_loosely(expected: str, actual: str, same: bool) -> None:
    assert shows(expected, actual) is same


def test_an_excerpt_may_leave_out_lines_but_not_change_them() -> None:
    file = "class A:\n    x = 1\n    y = 2\n"

    assert excerpt_of("class A:\n    ...\n    y = 2\n", file) is None
    assert excerpt_of("class A:\n    x = 2\n", file) == "x = 2"
    assert excerpt_of("    y = 2\n    x = 1\n", file) == "x = 1"


def test_what_changes_the_machine_is_run_nowhere() -> None:
    assert elsewhere("pip install hatch")
    assert elsewhere("docker compose up")
    assert elsewhere("hatch run sync")
    assert not elsewhere("hatch run test posts")
