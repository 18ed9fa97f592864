"""Path templates: which goes first, and which words they take from usernames."""

import re
from collections.abc import Iterable

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


def reserved_names(templates: Iterable[str], parameter: str) -> frozenset[str]:
    """The words that some template has where another one has `{parameter}`.

    A user called `tier` could not be reached: /tier/{name} wins over /{username}/{...}.
    """
    split = [template.strip("/").split("/") for template in templates]
    words: set[str] = set()
    for template in split:
        for position, segment in enumerate(template):
            if segment != f"{{{parameter}}}":
                continue
            for other in split:
                if other[:position] == template[:position] and len(other) > position:
                    words.add(other[position])
    return frozenset(word for word in words if "{" not in word)
