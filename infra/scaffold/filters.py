"""What lists are filtered by: the fields that a column gives the list's query."""

from collections.abc import Iterator

from infra.scaffold.columns import MAX_EMAIL, Column, whole
from infra.scaffold.relations import ReferenceColumn


def filters(column: Column) -> Iterator[str]:
    """The fields, as lines of the query model."""
    name, field = column.field.name, column.field
    if isinstance(column, ReferenceColumn):
        yield f"{name}: {column.asked} = None"
    elif field.type == "enum":
        yield f"{name}: list[{column.enum}] = Field([])"
    elif field.kind.is_filter:
        yield f"{name}: {_asked(column)} = None"
    for suffix in field.kind.bounds or ():
        yield f"{name}_{suffix}: {_asked(column)} = None"
    if field.optional and field.kind.is_moment:
        yield f"{name}_null: bool | None = None"


def filter_names(column: Column) -> list[str]:
    """The names of its parameters."""
    return [line.partition(":")[0] for line in filters(column)]


def _asked(column: Column) -> str:
    """The annotation of a value that a list is asked for: text in an address, not JSON."""
    match column.field.type:
        case "str":
            return f"Annotated[CleanText | None, Field(max_length={column.most})]"
        case "email":
            return f"Annotated[CleanText | None, Field(max_length={MAX_EMAIL})]"
        case "int" | "bigint":
            return f"Annotated[int | None, Field({whole(column.field.type)})]"
        case "float":
            return "Annotated[float | None, Field(allow_inf_nan=False)]"
        case "bool":
            return "bool | None"
    return f"{column.type} | None"
