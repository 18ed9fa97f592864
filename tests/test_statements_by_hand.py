"""Statements that FastCRUD didn't write are few, and each says why it is there."""

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.checks import ROOT

MOST = 12  # in one feature
EXECUTES = {"exec", "execute", "scalar", "scalars", "stream", "fetch", "fetchrow", "fetchval"}
SESSIONS = {"db", "unit", "session", "connection"}


def by_hand(source: str) -> Iterator[int]:
    """The lines of a module where a statement is compiled or executed that isn't FastCRUD's."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(func=ast.Name(id="CompiledQuery"), args=[statement, *_]):
                if not ast.unparse(statement).startswith("crud_"):
                    yield node.lineno
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=attribute)):
                if name in SESSIONS and attribute in EXECUTES:
                    yield node.lineno


def unexplained(source: str) -> list[int]:
    """Those without a comment or a docstring before them, in the same block."""
    lines = source.splitlines()
    found = []
    for line in by_hand(source):
        above = lines[: line - 1]
        blank = max((n for n, text in enumerate(above) if not text.strip()), default=0)
        block = above[blank:]
        if not any("#" in text or '"""' in text for text in block):
            found.append(line)
    return found


def modules() -> list[Path]:
    return [p for p in (ROOT / "features").rglob("*.py") if "tests" not in p.parts]


def test_statements_by_hand_are_few() -> None:
    counts: Counter[str] = Counter()
    for path in modules():
        feature = path.relative_to(ROOT / "features").parts[0]
        counts[feature] += len(list(by_hand(path.read_text())))

    assert {feature for feature, number in counts.items() if number > MOST} == set(), counts


def test_each_statement_by_hand_has_its_reason_above_it() -> None:
    silent = {
        str(path.relative_to(ROOT)): lines
        for path in modules()
        if (lines := unexplained(path.read_text()))
    }

    assert silent == {}


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("a = CompiledQuery(crud_posts.select(id=1), int)", []),
        ("a = CompiledQuery(\n    crud_posts.with_policy(None).select(id=1))", []),
        ("a = CompiledQuery(select(Post.id), int)", [1]),
        ("a = CompiledQuery(text('SELECT 1'))", [1]),
        ("await db.exec(select(Post))", [1]),
        ("await by_id.scalar(db, id=1)", []),
    ],
)
def test_what_is_written_by_hand_is_seen(source: str, lines: list[int]) -> None:
    assert list(by_hand(source)) == lines
