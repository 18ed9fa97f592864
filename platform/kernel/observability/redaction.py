"""What no log line shows, wherever it comes from: found in the finished line, by its form.

Code that logs leaves secrets out by itself; this is for what it can't know: the text of an
exception, a path that a client has made up.
"""

import re

HIDDEN = "[redacted]"
# Each with a character and a word that a line must hold to be worth the search: looking for one
# character costs a tenth of looking for a word, and most lines hold none of these.
FORMS: tuple[tuple[str, str, re.Pattern[str], str], ...] = (
    # The password in an address: redis://:secret@host.
    ("@", "://", re.compile(r"(://[^\s:/@\"]*):[^\s/@\"]+@"), rf"\1:{HIDDEN}@"),
    ("@", "@", re.compile(r"[^\s\"'<>@=:,;()\[\]{}\\/]+@[\w-]+(?:\.[\w-]+)+"), HIDDEN),
    ("%", "%40", re.compile(r"[^\s\"'<>@=:,;()\[\]{}\\/&?]+%40[\w-]+(?:\.[\w-]+)+"), HIDDEN),
    # A JSON Web Token, whose first part is always a JSON object.
    ("J", "eyJ", re.compile(r"\beyJ[\w-]+(?:\.[\w-]*)*"), HIDDEN),
    # The credentials of HTTP's own authentication.
    (" ", "asic ", re.compile(r"\b([Bb]asic) [A-Za-z0-9+/]{8,}=*"), rf"\1 {HIDDEN}"),
    (" ", "earer ", re.compile(r"\b([Bb]earer) [\w.~+/-]{8,}=*"), rf"\1 {HIDDEN}"),
    # What bcrypt makes of a password.
    ("$", "$2", re.compile(r"\$2[abxy]\$\d\d\$[./\w]{20,}"), HIDDEN),
)


def redacted(text: str) -> str:
    """The text without e-mail addresses, tokens, credentials and passwords in addresses."""
    for character, word, form, instead in FORMS:
        if character in text and word in text:
            text = form.sub(instead, text)
    return text
