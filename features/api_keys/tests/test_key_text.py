"""The text of a key: made once, read back, refused when one character is another one."""

import random
import re

import pytest

from features.api_keys.key_text import DIGITS, KeyTexts, is_key
from kernel.schemas import MAX_ROW_ID

OLD, NEW = b"a secret key of thirty-two bytes", b"another one, of thirty-two bytes"


@pytest.mark.parametrize("user_id", [1, 7, MAX_ROW_ID])
def test_a_key_says_whose_it_is_and_has_one_form(user_id: int) -> None:
    texts = KeyTexts((NEW,))

    text, made = texts.make("sk", user_id)

    assert re.fullmatch(r"sk_[0-9A-Za-z]{14}_[0-9A-Za-z]{49}", text)
    assert made.prefix == text[:17]
    assert (made.user_id, texts.read(text)) == (user_id, made)
    assert is_key(text)


def test_no_two_keys_are_alike() -> None:
    texts = KeyTexts((NEW,))
    made = [texts.make("sk", 7)[1] for _ in range(1000)]

    assert len({key.prefix for key in made}) == len({key.hashes for key in made}) == 1000


def test_a_changed_character_is_found_out_without_a_look_up() -> None:
    texts, chance = KeyTexts((NEW,)), random.Random(7)  # noqa: S311 - the same each time
    text, _ = texts.make("sk", 7)

    for place in range(len(text)):
        other = chance.choice(DIGITS.replace(text[place], ""))
        changed = text[:place] + other + text[place + 1 :]
        assert texts.read(changed) is None, place


@pytest.mark.parametrize(
    "text", ["", "sk", "sk__", "sk_" + "0" * 14 + "_" + "0" * 49, "é" * 67, "a" * 100_000, "\x00"]
)
def test_what_is_no_key_is_none(text: str) -> None:
    assert KeyTexts((NEW,)).read(text) is None


def test_a_key_outlives_the_secret_key_that_it_was_hashed_by_as_long_as_that_is_kept() -> None:
    text, made = KeyTexts((OLD,)).make("sk", 7)

    rotated, forgotten = KeyTexts((NEW, OLD)).read(text), KeyTexts((NEW,)).read(text)

    assert rotated is not None
    assert made.hashes[0] in rotated.hashes
    assert forgotten is not None
    assert made.hashes[0] not in forgotten.hashes


def test_no_text_is_remembered_without_bound() -> None:
    texts = KeyTexts((NEW,))
    keys = [texts.make("sk", 7)[0] for _ in range(4200)]

    assert all(texts.read(key) for key in keys)
    assert len(texts._read) == 4096
