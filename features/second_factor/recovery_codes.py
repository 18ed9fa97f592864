"""Recovery codes: ten, of 80 bits each, in letters and digits that aren't mistaken for another."""

from secrets import choice

NUMBER = 10
LENGTH, GROUP = 16, 4
ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base32
ALIKE = str.maketrans({"o": "0", "i": "1", "l": "1", "-": None, " ": None})


def new_codes() -> list[str]:
    """Codes as they are shown: abcd-efgh-jkmn-pqrs."""
    return ["-".join(_group() for _ in range(LENGTH // GROUP)) for _ in range(NUMBER)]


def normalised(code: str) -> str:
    """A code as it was meant, however it was typed."""
    return code.strip().lower().translate(ALIKE)


def has_form(code: str) -> bool:
    """Whether a normalised code can be one."""
    return len(code) == LENGTH and set(ALPHABET).issuperset(code)


def _group() -> str:
    return "".join(choice(ALPHABET) for _ in range(GROUP))
