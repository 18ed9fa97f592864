"""Operations that revisions need and Alembic hasn't: SQL with its way back, concurrent indexes."""

import re
from collections.abc import Iterator, Sequence

from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.operations import ops

UNIQUE = re.compile(r"UNIQUE( NULLS NOT DISTINCT)? (\(.+?\)(?: INCLUDE \(.+?\))?)((?: \w+)*)")


class ReversibleSQL(ops.ExecuteSQLOp):
    """`op.execute` of statements, and of those that undo them."""

    def __init__(self, *statements: str, back: Sequence[str] = ()) -> None:
        super().__init__("; ".join(statements))
        self.statements, self.back = statements, tuple(back)

    def reverse(self) -> "ReversibleSQL":
        return type(self)(*self.back, back=self.statements)


class ConcurrentSQL(ReversibleSQL):
    """Statements about indexes that don't stop writes, and so run outside a transaction."""


@renderers.dispatch_for(ReversibleSQL)
def render(_: AutogenContext, operation: ReversibleSQL) -> list[str]:
    return [f"op.execute({_literal(as_text(one))})" for one in operation.statements]


@renderers.dispatch_for(ConcurrentSQL)
def render_concurrent(context: AutogenContext, operation: ConcurrentSQL) -> list[str]:
    lines = render(context, operation)
    # The empty line ends the block in Alembic's writer.
    return ["with op.get_context().autocommit_block():", *lines, ""] if lines else []


def make_index(definition: str, name: str) -> list[str]:
    """Statements that make an index of that definition under that name, quoted where need be.

    Also after an attempt that failed, which leaves an invalid index behind.
    """
    kind, _, rest = definition.partition("INDEX ")
    on = rest.partition(" ON ")[2]
    return [*drop_index(name), f"{kind}INDEX CONCURRENTLY {name} ON {on}"]


def drop_index(name: str) -> list[str]:
    """The statement that drops that index."""
    return [f"DROP INDEX CONCURRENTLY IF EXISTS {name}"]


def change_index(definition: str, name: str) -> list[str]:
    """Statements that put another index in its place, so that it is never missing."""
    new = f'"{name.strip(chr(34))}_new"'
    rename = f"ALTER INDEX {new} RENAME TO {name}"
    return [*make_index(definition, new), *drop_index(name), rename]


def make_unique(table: str, name: str, definition: str) -> list[str]:
    """Statements that make a UNIQUE constraint out of an index, which is built beside writes."""
    found = UNIQUE.fullmatch(definition)
    assert found is not None, definition
    distinct, columns, deferred = found.groups(default="")
    index = f"CREATE UNIQUE INDEX {name} ON {table} {columns}{distinct}"
    constraint = f"ALTER TABLE {table} ADD CONSTRAINT {name} UNIQUE USING INDEX {name}{deferred}"
    return [*make_index(index, name), constraint]


def flat(container: ops.OpContainer) -> Iterator[tuple[ops.OpContainer, ops.MigrateOperation]]:
    """Every operation, with the container that it stands in."""
    for operation in list(container.ops):
        if isinstance(operation, ops.OpContainer):
            yield from flat(operation)
        else:
            yield container, operation


def _literal(text: str) -> str:
    """The text as Python has it, a line for each of its own: Alembic indents what it writes."""
    return "\n".join(map(repr, text.splitlines(keepends=True)))


def as_text(statement: str) -> str:
    """The statement for SQLAlchemy's text(), which takes `:word` for a parameter."""
    return re.sub(r"(?<![:\w\\]):(?=\w)", r"\:", statement)
