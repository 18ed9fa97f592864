-- A step of SCAN: the keys that hold one of the texts, in their name or their value.
-- ARGV: the cursor, the pattern, the texts. A write intent of the cache ("!") counts as no value.

local page = redis.call('SCAN', ARGV[1], 'MATCH', ARGV[2], 'COUNT', 100)
local found = {}
for _, key in ipairs(page[2]) do
  local value = redis.call('GET', key) or ''
  for i = 3, string.sub(value, 1, 1) == '!' and 0 or #ARGV do
    if string.find(key, ARGV[i], 1, true) or string.find(value, ARGV[i], 1, true) then
      found[#found + 1] = key
      break
    end
  end
end
return {page[1], found}
