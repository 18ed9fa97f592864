"""Passwords that are guessed first: the commonest ones, and the owner's own names."""

from functools import cache
from typing import Any

from zxcvbn.frequency_lists import FREQUENCY_LISTS  # type: ignore[import-untyped]

from kernel.errors import UnprocessableEntityException

TOO_COMMON = "This password is one of the commonest; choose another one."
OWN_NAME = "The password must not be your name, username or e-mail."


@cache
def _commonest() -> frozenset[str]:
    passwords: list[str] = FREQUENCY_LISTS["passwords"]
    return frozenset(passwords)


def refuse_guessable(password: str, **names: Any) -> None:
    """Raise UnprocessableEntityException for a common password, or for one that is a name.

    `names` are the account's name, username and email; digits and signs around them don't help.
    """
    folded = password.casefold()
    if folded in _commonest():
        raise UnprocessableEntityException(TOO_COMMON)
    own = {str(name).casefold() for name in names.values()}
    own |= {name.partition("@")[0] for name in own} | {name.replace(" ", "") for name in own}
    if {folded, _core(folded)} & own | {_core(folded)} & {_core(name) for name in own if name}:
        raise UnprocessableEntityException(OWN_NAME)


def _core(text: str) -> str:
    """What is left without digits and signs at both ends."""
    kept = [position for position, character in enumerate(text) if character.isalpha()]
    return text[kept[0] : kept[-1] + 1] if kept else text
