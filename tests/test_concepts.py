"""docs/concepts.md lists names that the kernel exports, and not too many."""

import ast
import re
from collections.abc import Iterator
from importlib import import_module

import pytest

from infra.checks import ROOT
from infra.checks.exports import exported

PAGE = (ROOT / "docs" / "concepts.md").read_text()
MOST_CONCEPTS, MOST_NAMES = 12, 22
SECTIONS = re.split(r"(?m)^## \d+\. ", PAGE.partition("\n## When you need more")[0])[1:]


def listed() -> list[str]:
    """The names on the page; a name of a module is written with it: `jobs.add`."""
    lines = re.findall(r"(?m)^Names: (.*)$", PAGE)
    return [name for line in lines for name in re.findall(r"`([\w.]+)`", line)]


def used(source: str) -> Iterator[str]:
    """The names of the kernel that a module uses, those of its modules with the module's name."""
    tree = ast.parse(source)
    modules = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "kernel":
            modules |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("kernel."):
            yield from (alias.name for alias in node.names)
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id=name), attr=attribute) if name in modules:
                yield f"{name}.{attribute}"


def test_the_page_lists_few_concepts_each_with_an_example_and_few_names() -> None:
    names = listed()

    assert len(SECTIONS) <= MOST_CONCEPTS
    assert [section.splitlines()[0] for section in SECTIONS if "\n```" not in section] == []
    assert len(names) == len(set(names)) <= MOST_NAMES


def test_each_name_is_exported_by_a_folder_of_the_kernel() -> None:
    folders = [file.parent.name for file in (ROOT / "platform" / "kernel").glob("*/__init__.py")]
    offered = {name: exported(name) or set() for name in folders}
    offered["errors"] = set(dir(import_module("kernel.errors")))
    spellings = {
        spelled
        for folder, names in offered.items()
        for name in names
        for spelled in (name, f"{folder}.{name}")
    }

    assert [name for name in listed() if name not in spellings] == []


@pytest.mark.parametrize("block", re.findall(r"(?ms)^```python\n(.*?)^```$", PAGE))
def test_an_example_imports_what_is_there(block: str) -> None:
    tree = ast.parse(block)

    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            module = import_module(node.module or "")
            assert all(hasattr(module, alias.name) for alias in node.names)


def test_a_name_used_through_its_module_is_seen() -> None:
    source = "from kernel import jobs\nfrom kernel.db import Row\njobs.add(db)\n"

    assert sorted(used(source)) == ["Row", "jobs.add"]
