"""The text of a key: a prefix to find it by, 256 random bits, a checksum against typos."""

import hashlib
import hmac
import re
import secrets
import string
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from zlib import crc32

from kernel.config import SecretSettings, Settings
from kernel.schemas import MAX_ROW_ID

DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase
ID_DIGITS, SECRET_DIGITS, CHECKSUM_DIGITS = 14, 43, 6
# Beside the user's id, so that no two keys are found by the same prefix.
RANDOM_BITS = 49
FORM = re.compile(
    rf"([a-z][a-z0-9]{{1,15}}_([0-9A-Za-z]{{{ID_DIGITS}}}))_"
    rf"[0-9A-Za-z]{{{SECRET_DIGITS}}}[0-9A-Za-z]{{{CHECKSUM_DIGITS}}}",
    re.ASCII,
)
REMEMBERED = 4096


@dataclass(slots=True)
class KeyText:
    """What can be said of a key without looking it up. It may be one that was never given out."""

    prefix: str
    user_id: int
    hashes: tuple[str, ...]
    """By SECRET_KEY, then by each of SECRET_KEYS_OLD: one of them is stored."""
    holder: Any = field(default=None, compare=False)
    """What was made of what it was found to be last: see permissions/callers.py."""


class KeyTexts:
    """Makes keys, and reads them.

    The id in a prefix holds the user's, as an access token does, so that the caller is found under
    the names of the key and of the user in one round trip. Hashing costs more than the rest of
    the reading, so what was read is remembered.
    """

    def __init__(self, secret_keys: tuple[bytes, ...]) -> None:
        self._keys = [hashlib.sha256(b"api keys:" + secret).digest() for secret in secret_keys]
        self._read: dict[str, KeyText] = {}

    def make(self, word: str, user_id: int) -> tuple[str, KeyText]:
        """A new key of that user, beginning with the word; and what is stored of it."""
        number = user_id << RANDOM_BITS | secrets.randbits(RANDOM_BITS)
        prefix = f"{word}_{_spelled(number, ID_DIGITS)}"
        begun = f"{prefix}_{_spelled(secrets.randbits(256), SECRET_DIGITS)}"
        text = begun + _checksum(begun)
        return text, KeyText(prefix, user_id, self._hashes(text))

    def read(self, text: str) -> KeyText | None:
        """What a key says; None for what can't be one: another form, or a wrong checksum."""
        found = self._read.get(text)
        if found is None:
            matched = FORM.fullmatch(text)
            if matched is None or _checksum(text[:-CHECKSUM_DIGITS]) != text[-CHECKSUM_DIGITS:]:
                return None
            user_id = _number(matched[2]) >> RANDOM_BITS
            if not 0 < user_id <= MAX_ROW_ID:
                return None
            found = KeyText(matched[1], user_id, self._hashes(text))
            if len(self._read) >= REMEMBERED:
                self._read.pop(next(iter(self._read)))
            self._read[text] = found
        return found

    def _hashes(self, text: str) -> tuple[str, ...]:
        return tuple([hmac.digest(key, text.encode(), "sha256").hex() for key in self._keys])


def is_key(text: str) -> bool:
    """Whether the text has the form of a key."""
    return FORM.fullmatch(text) is not None


def key_texts(settings: Settings) -> KeyTexts:
    """The keys of these settings."""
    return _key_texts(settings.group(SecretSettings).keys)


@lru_cache(maxsize=8)
def _key_texts(keys: tuple[bytes, ...]) -> KeyTexts:
    return KeyTexts(keys)


def _checksum(text: str) -> str:
    return _spelled(crc32(text.encode()), CHECKSUM_DIGITS)


def _spelled(number: int, length: int) -> str:
    digits = ""
    for _ in range(length):
        number, digit = divmod(number, len(DIGITS))
        digits = DIGITS[digit] + digits
    return digits


def _number(digits: str) -> int:
    number = 0
    for digit in digits:
        number = number * len(DIGITS) + DIGITS.index(digit)
    return number
