"""Write intents: names that are being changed, announced before a commit, removed after it."""

from kernel.redis.connection import Script

INTENT_MS = 30_000  # longer than any commit may take
NO_WRITER = "-"  # the token of who has announced nothing

# An intent is "!" and a list of token@deadline: several writers may change one name at once, and
# the first to end must not clear the others' intents.
_OTHERS = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local own = {}
for _, token in ipairs(ARGV) do own[token] = true end
local function others(key)
  local value, list, last = redis.call('GET', key), '', 0
  if value and string.sub(value, 1, 1) == '!' then
    for token, till in string.gmatch(value, '([^,!@]+)@(%d+)') do
      if not own[token] and tonumber(till) > now then
        list = list .. ',' .. token .. '@' .. till
        last = math.max(last, tonumber(till))
      end
    end
  end
  return list, last
end
"""
# ARGV: the writer's token, and how long its intent lasts, in milliseconds.
ANNOUNCE = Script(
    _OTHERS
    + """
local till = string.format('%.0f', now + ARGV[2])
for _, key in ipairs(KEYS) do
  redis.call('SET', key, '!' .. ARGV[1] .. '@' .. till .. others(key), 'PX', ARGV[2])
end
"""
)
# ARGV: the tokens of the writers that end.
FORGET = Script(
    _OTHERS
    + """
for _, key in ipairs(KEYS) do
  local list, last = others(key)
  if list == '' then
    redis.call('DEL', key)
  else
    redis.call('SET', key, '!' .. string.sub(list, 2), 'PX', last - now)
  end
end
"""
)
