"""Path templates: which goes first."""

import re

from starlette.convertors import PathConvertor, StringConvertor
from starlette.routing import compile_path

PARAMETER = re.compile("{[^}]*}")
LITERAL, MIXED, TYPED, TEXT, PATH, END = range(6)
Key = tuple[tuple[int, int], ...]


def specificity(template: str) -> Key:
    """Sort key: at each segment, what can match less goes first, whatever was found first.

    A literal goes before `{name}.json`, that before `{id:int}`, that before `{name}`, that before
    `{path:path}`. Equal keys are left in the order of declaration.
    """
    return (*[_rank(segment) for segment in template.strip("/").split("/")], (END, 0))


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
