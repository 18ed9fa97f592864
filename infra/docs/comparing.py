"""What a page shows, compared loosely with what was seen."""

import re

ELLIPSIS = "..."


def shows(expected: str, actual: str) -> bool:
    """Whether the lines stand in what was seen, in order.

    `...` stands for anything. Blanks and line breaks don't count, so JSON may be shown in lines.
    """
    pieces = [re.sub(r"\s+", "", piece) for piece in expected.split(ELLIPSIS)]
    return bool(re.search(".*?".join(map(re.escape, pieces)), re.sub(r"\s+", "", actual)))


def excerpt_of(code: str, file: str) -> str | None:
    """The first line of an excerpt that the file doesn't have in this order; None if it has all.

    A line that is `...`, or ends with it, leaves out what stands there.
    """
    rest = iter([line.strip() for line in file.splitlines()])
    for line in map(str.strip, code.splitlines()):
        wanted = line.removesuffix(ELLIPSIS).rstrip()
        if wanted and not any(
            found == wanted or (wanted != line and found.startswith(wanted)) for found in rest
        ):
            return line
    return None
