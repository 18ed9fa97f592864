"""What rests on private names of a library is listed, and capped below the version to check."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.checks import ROOT

PAGE = (ROOT / "docs/fast-path.md").read_text()
CAPPED = ("fastapi", "starlette", "uvicorn", "arq", "pydantic-settings", "sqlalchemy")
OURS = ("kernel", "features", "workers", "infra", "tests")


def private_imports(source: str) -> Iterator[str]:
    """Private modules, and private names of modules, that are imported from libraries."""
    for node in ast.walk(ast.parse(source)):
        modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        names = [alias.name for alias in getattr(node, "names", [])] if modules else []
        for module in modules:
            if module.split(".")[0] in OURS or module.startswith("__"):
                continue
            if any(part.startswith("_") for part in module.split(".")):
                yield module
            yield from (name for name in names if re.match("_[a-z]", name))


def sources() -> Iterator[Path]:
    for room in ("platform", "features", "workers", "infra", "migrations"):
        yield from (one for one in (ROOT / room).rglob("*.py") if "tests" not in one.parts)


def test_every_private_name_that_is_imported_is_on_the_page() -> None:
    unlisted = {
        f"{file.relative_to(ROOT)}: {name}"
        for file in sources()
        for name in private_imports(file.read_text())
        if name not in PAGE
    }

    assert unlisted == set()


def test_private_names_are_seen() -> None:
    source = "import a._b\nfrom a import _c, d\nfrom a._e import f\nfrom kernel.x import _g\n"

    assert sorted(private_imports(source)) == ["_c", "a._b", "a._e"]


@pytest.mark.parametrize("package", CAPPED)
def test_each_library_with_private_names_is_capped(package: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    [line] = [one for one in project["dependencies"] if re.match(rf"{package}\b(?!-)", one)]
    [cap] = re.findall(r",<([\d.]+)$", line)

    assert f"{package} < {cap}" in PAGE
