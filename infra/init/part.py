"""What goes with a part of the template that a product can do without."""

from collections.abc import Mapping
from dataclasses import dataclass, field

Names = tuple[str, ...]


@dataclass(frozen=True)
class Part:
    """A whole that goes at once: files by their paths, and what others say of it.

    `cuts` takes functions, classes and constants out of Python files; `rows` takes lines that begin
    so out of any file; `edits` puts one text in another's place, and each must be there once.
    A file that another part takes away as a whole needs nothing more.
    """

    name: str
    says: str
    paths: Names
    cuts: Mapping[str, Names] = field(default_factory=dict)
    rows: Mapping[str, Names] = field(default_factory=dict)
    edits: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    takes: Names = ()  # parts that can't be without this one
    tables: bool = False  # whether the first migration must be written anew
