"""What is asked where no option says it."""

from pathlib import Path
from typing import Any

import questionary

from infra.init.errors import InitError
from infra.init.identity import DESCRIPTION
from infra.init.parts import PARTS
from infra.init.stage import git


def title() -> str:
    """What the product is called."""
    return str(_answer(questionary.text("What is your product called?")))


def description() -> str:
    """What it is, in a line."""
    return str(_answer(questionary.text("What is it, in one line?", default=DESCRIPTION)))


def holder(root: Path) -> str | None:
    """Whose it is; None for no line of one's own."""
    try:
        known = git(root, "config", "user.name").strip()
    except InitError:
        known = ""
    question = "Who holds the copyright? (empty: no line of your own in LICENSE)"
    return str(_answer(questionary.text(question, default=known))) or None


def parts() -> list[str]:
    """The names of the parts that go."""
    choices = [questionary.Choice(f"{name}: {part.says}", name) for name, part in PARTS.items()]
    chosen: list[str] = _answer(
        questionary.checkbox("What doesn't it need? (space marks, enter goes on)", choices)
    )
    return chosen


def agreed() -> bool:
    """Whether it may be done."""
    return bool(_answer(questionary.confirm("Do it?", default=False)))


def _answer(question: questionary.Question) -> Any:
    try:
        return question.unsafe_ask()
    except (KeyboardInterrupt, EOFError):
        raise InitError("Nothing was changed.") from None
