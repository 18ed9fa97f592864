"""How much pages show of what rows hold, so that none is over MAX_PAGE."""

MAX_PAGE = 100_000  # bytes
# A page shows as much of each text as the first of these leaves of the lengths below that makes the
# page short enough. At the last, rows of a hundred columns are.
ROOMS = (1.0, 0.5, 0.25, 0.1, 0.03, 0.01, 0.003)
SHORT = 80  # characters of a text in a list
LONG = 15_000  # and on its row's page, of which it takes 75 KB at most
BEGINNING = 1_000  # of what is too long for a form
FIELD = 60_000  # bytes that a form's field may take
ESCAPED = {"&": 4, '"': 4, "'": 4, "<": 3, ">": 3}  # bytes more, as Jinja writes them


def cut(text: str, most: float) -> str:
    """The text, or so many of its characters, the last of them a mark that it goes on."""
    most = max(int(most), 1)
    if len(text) <= most:
        return text
    return text[: most - 1] + "…"


def bytes_of(text: str) -> int:
    """How much of a page a text takes, with what stands for its markup."""
    return len(text.encode()) + sum(text.count(one) * more for one, more in ESCAPED.items())
