"""Takes parts out of a checkout: files, definitions, lines, texts, and links to what is gone."""

import ast
import itertools
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

from infra.init.errors import Misfit
from infra.init.part import Names, Part

Wanted = TypeVar("Wanted", bound=tuple[object, ...])


def take_out(root: Path, parts: Iterable[Part]) -> set[Path]:
    """Take the parts out below `root`; the files that were changed and are still there.

    Raises Misfit when a part names what isn't there, though its feature is.
    """
    chosen = list(parts)
    for part in chosen:
        _delete(root, part)
    changed = set[Path]()
    for part, file, names in _each(root, [(part, part.cuts) for part in chosen]):
        file.write_text(_cut(file.read_text(), names, f"{part.name}: {file.relative_to(root)}"))
        changed.add(file)
    for part, file, starts in _each(root, [(part, part.rows) for part in chosen]):
        text = file.read_text()
        for start in starts:
            if not re.search(rf"(?m)^{re.escape(start)}", text):
                raise Misfit(f"{part.name}: {file.relative_to(root)} has no line {start!r}")
            text = re.sub(rf"(?m)^{re.escape(start)}.*\n", "", text)
        file.write_text(text)
        changed.add(file)
    for part, file, pairs in _each(root, [(part, part.edits) for part in chosen]):
        for before, after in pairs:
            text = file.read_text()
            if text.count(before) != 1:
                times = f"{text.count(before)} times"
                raise Misfit(f"{part.name}: {file.relative_to(root)} has {before!r} {times}")
            file.write_text(text.replace(before, after))
        changed.add(file)
    return changed


def unlist_dead(root: Path, pages: Iterable[str]) -> None:
    """Leave those of the pages that are gone, and sections without any, out of the navigation."""
    navigation = root / "mkdocs.yml"
    gone = {page for page in pages if not (root / "docs" / page).exists()}
    lines = [
        line
        for line in navigation.read_text().splitlines(keepends=True)
        if line.strip().removeprefix("- ") not in gone
    ]
    kept = [
        line
        for line, following in itertools.zip_longest(lines, lines[1:], fillvalue="")
        if not (re.match(r"  - [\w ]+:$", line) and not following.startswith("      - "))
    ]
    navigation.write_text("".join(kept))


def unlink_dead(root: Path) -> None:
    """Leave the words of links whose files are gone, in every document."""
    for document in [*root.glob("*.md"), *(root / "docs").rglob("*.md")]:

        def unlinked(link: re.Match[str], folder: Path = document.parent) -> str:
            target = link[2].partition("#")[0]
            there = not target or "://" in target or (folder / target).exists()
            return link[0] if there else link[1]

        text = document.read_text()
        document.write_text(re.sub(r"\[([^\]\n]+)\]\(([^)\s]+)\)", unlinked, text))


def _each(
    root: Path, wanted: Iterable[tuple[Part, Mapping[str, Wanted]]]
) -> Iterator[tuple[Part, Path, Wanted]]:
    for part, by_file in wanted:
        for name, what in by_file.items():
            if (root / name).exists():
                yield part, root / name, what


def _delete(root: Path, part: Part) -> None:
    for pattern in part.paths:
        found = list(root.glob(pattern))
        if not found and not _went_before(root, pattern):
            raise Misfit(f"{part.name}: there is no {pattern}")
        for path in found:
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def _went_before(root: Path, pattern: str) -> bool:
    """Whether it is of features that `hatch run remove` may have taken away."""
    first, _, rest = pattern.partition("/")
    feature = rest.partition("/")[0]
    return first == "features" and ("*" in feature or not (root / first / feature).exists())


def _cut(source: str, names: Names, where: str) -> str:
    """The source without the module's statements that define the names, and remarks above them."""
    lines = source.splitlines(keepends=True)
    missing = set(names)
    gone = set[int]()
    for statement in ast.parse(source).body:
        defined = set(_defined(statement)) & set(names)
        if defined:
            missing -= defined
            decorators = getattr(statement, "decorator_list", [])
            first = min([statement.lineno, *(one.lineno for one in decorators)])
            while lines[first - 2].startswith("#"):
                first -= 1
            gone |= set(range(first, (statement.end_lineno or first) + 1))
    if missing:
        raise Misfit(f"{where} no longer defines {', '.join(sorted(missing))}")
    return "".join(line for number, line in enumerate(lines, 1) if number not in gone)


def _defined(statement: ast.stmt) -> Iterator[str]:
    match statement:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.Assign(targets=targets):
            yield from (target.id for target in targets if isinstance(target, ast.Name))
        case ast.AnnAssign(target=ast.Name(id=name)):
            yield name
