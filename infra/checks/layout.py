"""The layout: which folders and files there are, what they may be called, how long they may be."""

import ast
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

from infra.checks import central

PACKAGES = ("features", "platform", "workers", "migrations", "infra", "tests")
CARD = ("models.py", "crud.py", "router.py", "tests")
# What tools and readers look for in the root; hidden files and folders are theirs, too.
ROOT_FILES = ("conftest.py", "LICENSE", "*.lock", "*.md", "*.toml", "*.yaml", "*.yml", "sbom.json")
VAGUE = frozenset({"base", "common", "helper", "helpers", "misc", "shared", "util", "utils"})

KERNEL_LINES = 8646  # of code, tests left out: docs/decisions/0012-the-kernels-budget.md
WIRING_LINES = 700  # the modules at the kernel's root
FAST_LINES = 450
WORKER_LINES = 1044
FILE_LINES = 200
TEST_FILE_LINES = 320  # a test file mirrors its subject, and each test states its own case
LONG_FILE_LINES = 280
FUNCTION_LINES = 40
# "path" or "path::function" -> why it isn't split; a file up to LONG_FILE_LINES.
LONG: dict[str, str] = {
    "features/auth/crud.py": "the statements of sessions, whose conditions are shared",
    "features/auth/permissions.py": "one dependency for each kind of caller",
    "features/auth/router.py": "the routes of one resource, each with its own refusals",
    "features/users/crud.py": "one table: its queries, and its writes with their locks",
    "features/users/models.py": "one table and its shapes",
    "features/users/router.py": "the routes of one resource, two of them with their own reasons",
    "infra/checks/layout.py": "one rule after the other, each a few lines",
    "infra/bench/floor.py": "one program: the bare application that the bench compares with",
    "infra/local/postgres.py": "one server, from its files to its end",
    "platform/kernel/cache/decorator.py::cache": "the parameters of the public decorator",
    "platform/kernel/config/groups.py": "a list of settings, one line each",
    "platform/kernel/db/unit_of_work.py": "one class: SQLAlchemy's session with a unit's end",
    "platform/kernel/jobs/arq_queue.py": "all that is known of ARQ's keys in Redis",
    "platform/kernel/web/openapi.py": "one pass over the document",
    "platform/kernel/web/protocol.py": "one class: uvicorn's protocol within bounds",
    "platform/kernel/web/outer_middleware.py": "one ASGI layer, called for every request",
    "platform/kernel/web/problems.py": "each kind of error and the problem it becomes",
}


def problems(root: Path) -> list[str]:
    """List what is wrong with the layout below `root`, each with the way out."""
    if unreadable := list(_unreadable(root)):
        return unreadable
    return [
        *_root_files(root),
        *_source_root(root),
        *_features(root),
        *_names(root),
        *_budgets(root),
        *_sizes(root),
        *central.problems(root),
    ]


def python_files(root: Path) -> Iterator[Path]:
    """Yield the Python files of all top folders and of the root."""
    yield from sorted(root.glob("*.py"))
    for folder in PACKAGES:
        yield from sorted((root / folder).rglob("*.py"))


def lines_of_code(file: Path) -> int:
    """Count lines that hold code: no blank lines, no comments, no docstrings."""
    with file.open("rb") as source:
        tokens = list(tokenize.tokenize(source.readline))
    silent = {tokenize.ENCODING, tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE}
    silent |= {tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    lines = {
        line
        for token in tokens
        if token.type not in silent
        for line in range(token.start[0], token.end[0] + 1)
    }
    for node in ast.walk(ast.parse(file.read_bytes())):
        match node:
            case ast.Expr(value=ast.Constant(value=str())):
                lines -= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return len(lines)


def _unreadable(root: Path) -> Iterator[str]:
    for file in python_files(root):
        try:
            ast.parse(file.read_bytes())
        except SyntaxError as error:
            yield f"{file.relative_to(root)}:{error.lineno}: {error.msg}"


def _root_files(root: Path) -> Iterator[str]:
    for file in sorted(root.iterdir()):
        expected = any(file.match(pattern) for pattern in ROOT_FILES)
        if file.is_file() and not expected and not file.name.startswith("."):
            yield (
                f"{file.name}: the root holds documents and settings of tools; move it into the "
                "folder of its subject."
            )


def _source_root(root: Path) -> Iterator[str]:
    children = sorted(child.name for child in (root / "platform").iterdir())
    for name in children:
        if name.endswith(".py"):
            yield (
                f"platform/{name}: platform/ is a source root like src/, not a package; "
                "a module in it would hide the standard library's platform. Move it into kernel/. "
                "See docs/gates.md#a-file-under-platform"
            )
        elif name not in {"kernel", "__pycache__"}:
            yield (
                f"platform/{name}: platform/ has one child, kernel/. Move it in there. "
                "See docs/gates.md#a-file-under-platform"
            )
    for file in python_files(root):
        if file.name == "conftest.py" and file.parent != root:
            yield f"{file.relative_to(root)}: the root's conftest.py is the only one."


def _features(root: Path) -> Iterator[str]:
    for entry in sorted((root / "features").iterdir()):
        if entry.name in {"__init__.py", "__pycache__", "py.typed"}:
            continue
        if not entry.is_dir():
            yield f"features/{entry.name}: a feature is a folder; move the file into one."
            continue
        if not any(entry.rglob("*.py")):
            continue  # what Python left of a feature that is deleted
        for name in ("__init__.py", *CARD):
            # One with pages answers browsers, outside of the API; a router may be a package.
            others = ("router/__init__.py", "pages") if name == "router.py" else ()
            if not any((entry / one).exists() for one in (name, *others)):
                yield f"features/{entry.name}: {name} is missing; every feature has it."
        if _caches(entry) and not (entry / "cache_keys.py").exists():
            yield (
                f"features/{entry.name}: cache_keys.py is missing; the names that @cache keeps "
                "answers under stand there, for other features to forget."
            )


def _caches(feature: Path) -> bool:
    files = [*feature.glob("router.py"), *feature.glob("router/*.py")]
    return any(
        isinstance(node, ast.ImportFrom)
        and node.module == "kernel.cache"
        and "cache" in {alias.name for alias in node.names}
        for file in files
        for node in ast.walk(ast.parse(file.read_bytes()))
    )


def _names(root: Path) -> Iterator[str]:
    for file in python_files(root):
        path = file.relative_to(root)
        needs_package = len(path.parts) > 1 and path.parts[0] != "migrations"
        if needs_package and not (file.parent / "__init__.py").exists():
            yield (
                f"{path}: its folder has no __init__.py; an empty one will do. "
                "See docs/gates.md#a-folder-that-is-no-package"
            )
        names = {file.stem, file.parent.name} if len(path.parts) > 2 else {file.stem}
        for name in names & VAGUE:
            yield f"{path}: {name!r} says nothing; name the file after what it holds."
        if file.stem in sys.stdlib_module_names:
            yield (
                f"{path}: the standard library has a module {file.stem!r}; choose another name. "
                "See docs/gates.md#a-name-of-the-standard-library"
            )


def _budgets(root: Path) -> Iterator[str]:
    kernel = root / "platform" / "kernel"
    for what, files, most in (
        ("the kernel", kernel.rglob("*.py"), KERNEL_LINES),
        ("the wiring at the kernel's root", kernel.glob("*.py"), WIRING_LINES),
        ("kernel/fast", (kernel / "fast").rglob("*.py"), FAST_LINES),
        ("workers/", (root / "workers").rglob("*.py"), WORKER_LINES),
    ):
        counted = [file for file in files if "tests" not in file.relative_to(root).parts]
        lines = sum(map(lines_of_code, counted))
        if lines > most:
            yield (
                f"{what} has {lines} lines of code and a budget of {most}: delete what is no "
                "longer needed; what has tables or routes is a feature."
            )


def _sizes(root: Path) -> Iterator[str]:
    for file in python_files(root):
        path = file.relative_to(root).as_posix()
        if path.startswith("migrations/versions/"):
            continue  # written by the machine
        text = file.read_text()
        length, is_test = len(text.splitlines()), "tests" in file.parts or file.stem[:5] == "test_"
        most = TEST_FILE_LINES if is_test else LONG_FILE_LINES if path in LONG else FILE_LINES
        if length > most:
            yield f"{path} has {length} lines, more than {most}: split it by subject."
        for node in ast.walk(ast.parse(text)):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > FUNCTION_LINES and f"{path}::{node.name}" not in LONG:
                yield (
                    f"{path}:{node.lineno} {node.name} has {length} lines, "
                    f"more than {FUNCTION_LINES}: name a part of it."
                )
