"""Central files name no feature, so that a feature can come and go with its folder alone."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

FOLDERS = ("infra", "tests", "workers", "platform")
GENERATOR = "infra/scaffold/"  # whose tests name what it writes
FILES = ("conftest.py", "migrations/env.py", "migrations/roles.py")
# Everything stands on accounts: they don't go, and what is central may build on them.
STAY = {"auth", "users"}
# What still names another one; a file that no longer does has to leave this list.
EXCEPTIONS: dict[str, set[str]] = {
    # What `hatch run init` can take out of a clone, as it is when it is cloned.
    "infra/init/parts/demo.py": {"tasks"},
    "infra/init/parts/posts.py": {"posts"},
    "infra/init/parts/second_factor.py": {"second_factor"},
    "infra/init/parts/sign_in.py": {"sign_in"},
    "infra/init/parts/tiers.py": {"rate_limits", "sign_in", "tiers", "verification"},
    "infra/init/tests/test_upgraded.py": {"posts", "tiers"},
}
NAMES_ONE = """\
{file} names the feature {feature}, which couldn't be removed with its folder any more:
find features by kernel.discovery, or move it into features/{feature}/tests.
See docs/gates.md#a-central-file-that-names-a-feature"""
MENTION = re.compile(r"\bfeatures[./](\w+)")


def problems(root: Path) -> Iterator[str]:
    """The central files that name a feature, by an import or a path, and exceptions of no use."""
    features = {folder.name for folder in (root / "features").iterdir() if folder.is_dir()}
    seen: dict[str, set[str]] = {}
    for path in _files(root):
        file = path.relative_to(root).as_posix()
        seen[file] = (features - STAY) & set(_named(ast.parse(path.read_bytes())))
        for feature in sorted(seen[file] - EXCEPTIONS.get(file, set())):
            yield NAMES_ONE.format(file=file, feature=feature)
    for file, excepted in EXCEPTIONS.items():
        # A feature that was removed takes its exceptions along.
        for feature in sorted((excepted & features) - seen.get(file, excepted)):
            yield f"{file} no longer names {feature}: take it out of infra/checks/central.py."


def _files(root: Path) -> Iterator[Path]:
    yield from (root / name for name in FILES if (root / name).is_file())
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*.py")):
            if not path.relative_to(root).as_posix().startswith(GENERATOR):
                yield path


def _named(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.ImportFrom(module="features", names=aliases):
                yield from (alias.name for alias in aliases)
            case ast.ImportFrom(module=str(module)):
                yield from MENTION.findall(module)
            case ast.Import(names=aliases):
                yield from MENTION.findall(" ".join(alias.name for alias in aliases))
            case ast.Constant(value=str(text)):
                yield from MENTION.findall(text)
