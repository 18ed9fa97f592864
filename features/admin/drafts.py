"""Drafts: texts that were typed, aren't saved yet and are too long for a page, kept in Redis.

Encrypted (Fernet: AES-128-CBC and HMAC-SHA256) by keys made of SECRET_KEY, the user and the
draft's id, so that what one user typed can't be read as another's. They are kept where limits are:
that server evicts nothing.
"""

import hmac
import json
import re
import zlib
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from secrets import token_urlsafe

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from features.admin.settings import AdminSiteSettings
from kernel.config import HttpSettings, SecretSettings, Settings
from kernel.db import Resources
from kernel.redis import REDIS_ERRORS, RedisUnavailable, Script

ROLE = "rate_limit"
PREFIX = "e:admin.draft:"
KEEP = Script.beside(__file__, "drafts.lua")
FORM_AGE = 24 * 3600  # seconds that a form may be older than a session


@dataclass(frozen=True, slots=True)
class Draft:
    """What was typed: the page's path, and the values of its long fields by their names."""

    path: str
    texts: Mapping[str, Sequence[str]]


def form_token(settings: Settings, user_id: int) -> str:
    """What proves that a form was shown to this superuser, even when the session has ended."""
    return _box(settings, "form").encrypt(str(user_id).encode()).decode()


def shown_to(settings: Settings, token: str) -> int | None:
    """The superuser whom the form with this token was shown to; None for any other text."""
    hours = settings.group(AdminSiteSettings).admin_session_hours
    try:
        return int(_box(settings, "form").decrypt(token, ttl=hours * 3600 + FORM_AGE))
    except InvalidToken:
        return None


async def keep(resources: Resources, user_id: int, draft: Draft, *, old: str = "") -> str | None:
    """Keep a draft of that user, in place of the `old` one; return its id. None: Redis is away, or
    it takes more than a whole form may."""
    redis, group = resources.redis(ROLE), resources.settings.group(AdminSiteSettings)
    size = sum(len(text.encode()) for values in draft.texts.values() for text in values)
    # Forms that bring a draft and more could grow with each round.
    if redis is None or size > resources.settings.group(HttpSettings).max_body_bytes:
        return None
    name = old or token_urlsafe(16)
    content = zlib.compress(json.dumps([draft.path, draft.texts]).encode())
    sealed = _box(resources.settings, f"draft:{user_id}:{name}").encrypt(content)
    life, most = group.admin_draft_minutes * 60_000, group.admin_drafts
    with suppress(*REDIS_ERRORS):
        await redis.run(KEEP, [f"{PREFIX}{user_id}", _key(user_id, name)], sealed, life, most)
        return name
    return None


async def find(resources: Resources, user_id: int, name: str) -> Draft | None:
    """The draft of that id; None for one that isn't this user's, is saved or has expired.

    Raises RedisUnavailable.
    """
    redis = resources.redis(ROLE)
    if redis is None:
        raise RedisUnavailable("there is no Redis")
    sealed = await redis.execute("GET", _key(user_id, name))
    return _opened(resources.settings, user_id, name, sealed) if sealed else None


async def forget(resources: Resources, user_id: int, names: Sequence[str]) -> None:
    """Remove drafts; while Redis is away, they end by themselves."""
    redis = resources.redis(ROLE)
    if redis is not None and names:
        with suppress(*REDIS_ERRORS):
            await redis.execute("DEL", *[_key(user_id, name) for name in names])


async def erase(resources: Resources, user_id: int, path: str, texts: Sequence[str]) -> None:
    """Remove the drafts of that user, and all others' that were typed at this path or hold one of
    these texts as a word, in any case."""
    redis, cursor = resources.redis(ROLE), b"0"
    named = re.compile(rf"(?<!\w)({'|'.join(map(re.escape, texts))})(?!\w)", re.IGNORECASE)
    with suppress(*REDIS_ERRORS):
        while redis is not None:
            cursor, keys = await redis.execute("SCAN", cursor, "MATCH", f"{PREFIX}*", "COUNT", 500)
            for key in keys:
                owner, _, name = key.decode().removeprefix(PREFIX).partition(":")
                if owner == str(user_id):
                    await redis.execute("DEL", key)
                elif name and (draft := await find(resources, int(owner), name)):
                    held = (text for values in draft.texts.values() for text in values)
                    if draft.path == path or any(map(named.search, held)):
                        await redis.execute("DEL", key)
            if cursor == b"0":
                return


def _opened(settings: Settings, user_id: int, name: str, sealed: bytes) -> Draft | None:
    # Redis is no authority: not for what was put back after its time.
    life = settings.group(AdminSiteSettings).admin_draft_minutes * 60
    try:
        content = _box(settings, f"draft:{user_id}:{name}").decrypt(sealed, ttl=life)
    except InvalidToken:
        return None
    return Draft(*json.loads(zlib.decompress(content)))


def _box(settings: Settings, purpose: str) -> MultiFernet:
    """Encrypts with the first of the keys, decrypts with each."""
    keys = settings.group(SecretSettings).keys
    made = [hmac.digest(key, f"admin site:{purpose}".encode(), "sha256") for key in keys]
    return MultiFernet([Fernet(urlsafe_b64encode(one)) for one in made])


def _key(user_id: int, name: str) -> str:
    return f"{PREFIX}{user_id}:{name}"
