"""Path templates: which goes first."""

import re

from starlette.convertors import PathConvertor, StringConvertor
from starlette.routing import compile_path

PARAMETER = re.compile("{[^}]*}")
WHOLE, LITERAL, MIXED, TYPED, TEXT, PATH, END = range(7)
Key = tuple[tuple[int, int], ...]


def specificity(template: str) -> Key:
    """Sort key: what can match less goes first, whatever was found first.

    A template without parameters goes before all others, and a short one before a long one: they
    can't take another's path, and are found without trying the rest. Then, segment by segment, a
    literal goes before `{name}.json`, that before `{id:int}`, that before `{name}`, that before
    `{path:path}`. Equal keys are left in the order of declaration.
    """
    ranks = [_rank(segment) for segment in template.strip("/").split("/")]
    if all(kind == LITERAL for kind, _ in ranks):
        return ((WHOLE, len(ranks)),)
    return (*ranks, (END, 0))


def _rank(segment: str) -> tuple[int, int]:
    convertors = compile_path(segment)[2].values()
    literal = PARAMETER.sub("", segment)
    if not convertors:
        return LITERAL, 0
    if any(isinstance(convertor, PathConvertor) for convertor in convertors):
        return PATH, -len(literal)
    if literal:
        return MIXED, -len(literal)
    plain = all(isinstance(convertor, StringConvertor) for convertor in convertors)
    return (TEXT if plain else TYPED), 0


def shape(template: str) -> str:
    """The template without the names of its parameters: equal shapes match equal paths."""
    return PARAMETER.sub(lambda found: f"{{:{found[0].strip('{}').partition(':')[2]}}}", template)
