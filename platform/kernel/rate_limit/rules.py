"""What a limit is made of: rules, quotas, and what became of a call."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import NamedTuple

from kernel.db.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class Rule:
    """At most `limit` accepted calls in any stretch of `period` seconds."""

    limit: int
    period: float

    def __post_init__(self) -> None:
        if self.limit < 1 or self.period <= 0:
            raise ValueError(f"A rule needs a limit of at least 1 and a period above 0: {self}")


class Quota(NamedTuple):
    """Whose calls are counted (a key) and by which rule."""

    key: str
    rule: Rule


class Decision(NamedTuple):
    """What became of a call; of several quotas, the tightest one's figures."""

    accepted: bool
    rule: Rule
    remaining: int
    reset: float
    """Seconds until the quota grows again; for a refused call, until one is accepted."""
    stamp: str | None = None
    """The moment by Redis' clock, in microseconds; None when the in-memory fallback decided."""
    rule_known: bool = True


# What a feature's providers.py offers as `rules_of`: the rules of a tier, by sanitised path.
RulesOf = Callable[[UnitOfWork, int], Awaitable[dict[str, Rule]]]
