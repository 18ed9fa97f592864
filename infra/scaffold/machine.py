"""A state machine: an enum whose values follow each other by a route of its own."""

from collections.abc import Sequence
from dataclasses import dataclass

from infra.scaffold.columns import Column
from infra.scaffold.errors import ScaffoldError


@dataclass(frozen=True)
class Machine:
    """The column, its first state, and for each later one the states that it follows."""

    column: Column
    initial: str
    follows: dict[str, list[str]]

    @property
    def allowed(self) -> list[tuple[str, str]]:
        return [(old, new) for new, sources in self.follows.items() for old in sources]

    @property
    def said(self) -> str:
        """The steps, in words."""
        steps = ", ".join(f"{old} to {new}" for old, new in self.allowed)
        return f"{steps[0].upper()}{steps[1:]}."

    @property
    def refused(self) -> list[tuple[str, str]]:
        """What a client may ask for, and isn't a step."""
        states = self.column.field.members
        pairs = [(old, new) for old in self.reachable for new in states]
        return [pair for pair in pairs if pair not in self.allowed]

    @property
    def reachable(self) -> list[str]:
        """The states that a row can come to, from the first one on."""
        found = [self.initial]
        for state in found:
            found += [new for old, new in self.allowed if old == state and new not in found]
        return found

    def path_to(self, state: str) -> list[str]:
        """The steps from the first state to that one."""
        paths: dict[str, list[str]] = {self.initial: []}
        for old in self.reachable:
            for source, new in self.allowed:
                if source == old and new not in paths:
                    paths[new] = [*paths[old], new]
        return paths[state]


def machine(transitions: str, columns: Sequence[Column]) -> Machine | None:
    """What `draft:sent,sent:paid` says; None for nothing. Raises ScaffoldError."""
    if not transitions:
        return None
    steps = [tuple(step.split(":")) for step in transitions.split(",")]
    if any(len(step) != 2 or not all(step) for step in steps) or len(set(steps)) < len(steps):
        raise ScaffoldError(
            f"--transitions {transitions} isn't a list of steps, each once: draft:sent,sent:paid"
        )
    states = {state for step in steps for state in step}
    fitting = [c for c in columns if c.field.type == "enum" and states <= set(c.field.members)]
    if len(fitting) != 1:
        problem = "no enum has" if not fitting else "more than one enum has"
        raise ScaffoldError(f"--transitions: {problem} the values {', '.join(sorted(states))}.")
    [column] = fitting
    if column.field.optional:
        raise ScaffoldError(f"{column.field.name} has a first state, so it can't be optional.")
    follows: dict[str, list[str]] = {}
    for old, new in steps:
        if old == new:
            raise ScaffoldError(f"--transitions: {old}:{new} is no step.")
        follows.setdefault(new, []).append(old)
    made = Machine(column, column.field.default or column.field.members[0], follows)
    lost = sorted(states - set(made.reachable))
    if lost:
        raise ScaffoldError(
            f"--transitions: no steps lead from the first, {made.initial}, to {', '.join(lost)}."
        )
    return made
