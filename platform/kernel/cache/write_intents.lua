-- What both scripts of write intents begin with. An intent is "!" and a list of token@deadline:
-- several writers may change one name at once, and the first to end must not clear the others'.

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
