"""Makes the copy a product: parts go, names change, what is recorded is recorded anew."""

import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path

from infra.init import identity
from infra.init.cutting import take_out, unlink_dead, unlist_dead
from infra.init.errors import InitError
from infra.init.identity import Identity
from infra.init.part import Part
from infra.init.parts import PARTS
from infra.init.parts.itself import ITSELF
from infra.local.console import step
from infra.upgrade import origin

APPLIED = 'APPLIED = frozenset({"accounts", "tiers", "posts", "jobs", "tiers_in_use"})'
# This command's own, whose folder a product has no use for.
AWAY: dict[str, tuple[str, ...]] = {"init": ("infra/init", "docs/init.md")}
CHECKS = ("format", "lint", "imports", "layout", "lock")


def with_all_that_goes_along(names: Iterable[str]) -> list[Part]:
    """The parts of these names, and those that can't be without one of them."""
    found, waiting = dict[str, Part](), list(names)
    for name in waiting:
        found[name] = PARTS[name]
        waiting += [other for other in PARTS[name].takes if other not in waiting]
    return [part for name, part in PARTS.items() if name in found]


def make(stage: Path, product: Identity, parts: list[Part]) -> None:
    """Change the copy. Raises InitError when something doesn't fit or a check fails."""
    rewritten = any(part.tables for part in parts)
    with step(f"{product.title}: names, and what goes"):
        reduce(stage, product, parts)
    if rewritten:
        with step("one first revision, from the tables that stay"):
            for file in (stage / "migrations" / "versions").glob("*.py"):
                file.unlink()
            _replace(
                stage / "infra/checks/migrations/lint.py", APPLIED, "APPLIED = frozenset[str]()"
            )
            run(stage, "infra.revisions", "initial")
    with step("OpenAPI document and .env.example"):
        run(stage, "infra.contract")
        run(stage, "infra.env_example")
    with step(f"checks: {' '.join(CHECKS)}"):
        run(stage, "infra.checks", *CHECKS)


def reduce(stage: Path, product: Identity, parts: list[Part]) -> None:
    """Take the parts and this command out of the copy, and give it its names."""
    chosen = [*parts, ITSELF]
    pages = [file.relative_to(stage / "docs").as_posix() for file in (stage / "docs").rglob("*.md")]
    changed = take_out(stage, chosen)
    shutil.move(stage / "infra/init/afterwards.py", stage / "infra/init/__main__.py")
    scripts = tomllib.loads((stage / "hatch.toml").read_text())["envs"]["default"]["scripts"]
    identity.write(stage, product, scripts)
    origin.record(stage / "pyproject.toml", {part.name: part.paths for part in parts} | AWAY)
    unlink_dead(stage)
    unlist_dead(stage, pages)
    files = [str(file) for file in sorted(changed) if file.suffix == ".py"]
    if files:
        run(stage, "ruff", "check", "--quiet", "--fix", "--select", "F401,I001", *files)
        run(stage, "ruff", "format", "--quiet", *files)


def run(stage: Path, module: str, *arguments: str) -> None:
    """Run a module of the copy. Raises InitError with what it said when it fails."""
    path = os.pathsep.join([str(stage), str(stage / "platform")])
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=stage,
        env=os.environ | {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = (done.stdout + done.stderr).strip()
        raise InitError(f"In the copy, `python -m {module}` fails; nothing was changed.\n{said}")


def _replace(file: Path, before: str, after: str) -> None:
    text = file.read_text()
    if text.count(before) != 1:
        raise InitError(f"{file.name} no longer says {before!r}.")
    file.write_text(text.replace(before, after))
