"""What one look has found."""

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "risky", "broken"]
LEVELS: tuple[Level, ...] = ("ok", "risky", "broken")  # as exit codes


@dataclass(frozen=True)
class Finding:
    """A line: what was looked at, how it is, and in words, with what to do."""

    name: str
    level: Level
    text: str

    @property
    def exit_code(self) -> int:
        return LEVELS.index(self.level)


def found(name: str, text: str, risks: list[str], broken: list[str] | None = None) -> Finding:
    """A finding with its worst level, and the troubles behind what is so anyway."""
    level: Level = "broken" if broken else "risky" if risks else "ok"
    return Finding(name, level, "; ".join([text, *(broken or []), *risks]))
