"""Write intents: names that are being changed, announced before a commit, removed after it."""

from kernel.redis.connection import Script

INTENT_MS = 30_000  # longer than any commit may take
NO_WRITER = "-"  # the token of who has announced nothing

ANNOUNCE = Script.beside(__file__, "write_intents.lua", "announce.lua")
FORGET = Script.beside(__file__, "write_intents.lua", "forget.lua")
