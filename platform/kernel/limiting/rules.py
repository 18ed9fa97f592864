"""What a limit is made of: rules, budgets, and what became of a call."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kernel.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class Rule:
    """At most `limit` accepted calls in any stretch of `period` seconds."""

    limit: int
    period: float

    def __post_init__(self) -> None:
        if self.limit < 1 or self.period <= 0:
            raise ValueError(f"A rule needs a limit of at least 1 and a period above 0: {self}")


@dataclass(frozen=True, slots=True)
class Budget:
    """Whose calls are counted (a key) and by which rule."""

    key: str
    rule: Rule


@dataclass(frozen=True, slots=True)
class Decision:
    """What became of a call; of several budgets, the tightest one's figures."""

    accepted: bool
    rule: Rule
    remaining: int
    reset: float
    """Seconds until the budget grows again; for a refused call, until one is accepted."""
    stamp: str | None = None
    """The moment by Redis' clock, in microseconds; None when this process's stand-in decided."""
    rule_known: bool = True


# What rules.py of a feature offers: the rules of a tier, by sanitised path.
RulesOf = Callable[["UnitOfWork", int], Awaitable[dict[str, Rule]]]
