"""Names that would mean two things in the modules that are written: none is written then."""

from collections import Counter
from collections.abc import Iterator

from infra.scaffold.columns import TAKEN
from infra.scaffold.errors import ScaffoldError
from infra.scaffold.feature import Feature
from infra.scaffold.names import camel

SHAPES = ("", "Base", "Create", "Update", "Read", "Detail", "Listed", "Query")
# What models.py imports, and what the other modules import beside the model.
IMPORTED = TAKEN | {"CompiledQuery", "FastCRUD", "Listing", "ModelView", "UnitOfWork"}
# The parameters of routes that a row, which bears the feature's name there, would hide.
OF_ROUTES = ("caller", "owner")


def check_names(feature: Feature) -> None:
    """Raise ScaffoldError where two types, two columns or a type and an import have one name."""
    single = feature.single
    derived = [f"{feature.model}{shape}" for shape in SHAPES]
    if taken := sorted(IMPORTED.intersection(derived)):
        raise ScaffoldError(
            f"Its modules import another {taken[0]}: name the feature more closely "
            f"(saved_{feature.plural}), or say another singular: --singular one_{single}"
        )
    if single in OF_ROUTES:
        raise ScaffoldError(
            f"Routes call the user {single} already: name the feature more closely "
            f"(former_{feature.plural}), or say another singular: --singular one_{single}"
        )
    for kind, names in (("types", [*derived, *_types(feature)]), ("columns", _columns(feature))):
        twice = [name for name, number in Counter(names).items() if number > 1]
        if twice:
            raise ScaffoldError(
                f"There would be two {kind} {twice[0]}. Rename the field that makes the second."
            )


def _types(feature: Feature) -> Iterator[str]:
    """The types of models.py and schemas.py that fields bring."""
    for column in feature.columns:
        if column.definition:
            yield column.alias
    yield from (column.enum for column in feature.every_column if column.field.type == "enum")
    if feature.machine:
        yield f"{feature.machine.column.enum}Update"
    for many in feature.children:
        yield from (f"{many.model}{shape}" for shape in ("", "Base", "Create", "Read"))
        yield from (column.alias for column in many.columns if column.definition)
        yield camel(many.field.name)
    for link in feature.links:
        yield link.model
        yield camel(link.field.name)
        if link.target is None:
            yield from (f"{link.model}Link", f"{camel(link.single)}Name")


def _columns(feature: Feature) -> Iterator[str]:
    """What a row has by name."""
    yield from (column.field.name for column in feature.every_column)
    yield from (many.field.name for many in feature.children)
    for link in feature.links:
        yield from {link.attribute, f"{link.single}_rows"}
