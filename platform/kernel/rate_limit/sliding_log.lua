-- The limiter: a sliding log of accepted calls, one list of moments for each quota.
--
-- KEYS: the quotas, then (when a tier's rule is looked up) entry, version and epoch of the tier's
-- rules. ARGV: number of quotas, path or '', then limit and period (microseconds) of each.
-- Answers: {-1} when the rules must be loaded first, else {1 or 0, limit, period, used, reset us,
-- stamp, 1 or 0 for whether the rules name the path} with the figures of the tightest quota.

local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local count, path = tonumber(ARGV[1]), ARGV[2]
local limits, periods, known = {}, {}, 1
for i = 1, count do
  limits[i], periods[i] = tonumber(ARGV[1 + 2 * i]), tonumber(ARGV[2 + 2 * i])
end
if path ~= '' then
  local found = redis.call('MGET', KEYS[count + 1], KEYS[count + 2], KEYS[count + 3])
  local entry, version, epoch = found[1], found[2], found[3]
  if not (entry and version and epoch) then return {-1} end
  local header = epoch .. '|' .. version .. '\n'
  if string.sub(entry, 1, #header) ~= header then return {-1} end
  local _, last = string.find(entry, '\n' .. path .. ' ', #header, true)
  if last then
    local limit, period = string.match(entry, '^(%d+) (%d+)', last + 1)
    limits[1], periods[1] = tonumber(limit), tonumber(period)
  else
    known = 0
  end
end

-- When the clock was set back, the log moves with it: its newest call counts as made just now.
local function rewind(key, by)
  local stamps = redis.call('LRANGE', key, 0, -1)
  for i = 1, #stamps do stamps[i] = string.format('%.0f', stamps[i] - by) end
  redis.call('DEL', key)
  for i = 1, #stamps, 1000 do
    redis.call('RPUSH', key, unpack(stamps, i, math.min(i + 999, #stamps)))
  end
end

local accepted, tightest, least, wait = 1, 1, math.huge, 0
local used, reset = {}, {}
for i = 1, count do
  local key, length = KEYS[i], redis.call('LLEN', KEYS[i])
  if length > 0 then
    local ahead = redis.call('LINDEX', key, -1) - now
    if ahead > 0 then rewind(key, ahead) end
  end
  local low, high = 0, length
  while low < high do
    local middle = math.floor((low + high) / 2)
    if tonumber(redis.call('LINDEX', key, middle)) < now - periods[i] then
      low = middle + 1
    else
      high = middle
    end
  end
  used[i], reset[i] = length - low, periods[i]
  if used[i] > 0 then reset[i] = redis.call('LINDEX', key, low) + periods[i] - now + 1 end
  if used[i] >= limits[i] then
    reset[i] = redis.call('LINDEX', key, -limits[i]) + periods[i] - now + 1
    if accepted == 1 or reset[i] > wait then tightest, wait = i, reset[i] end
    accepted = 0
  elseif accepted == 1 and limits[i] - used[i] < least then
    tightest, least = i, limits[i] - used[i]
  end
end

local stamp = string.format('%.0f', now)
if accepted == 1 then
  for i = 1, count do
    if limits[i] == 1 then
      redis.call('DEL', KEYS[i])
    else
      redis.call('LTRIM', KEYS[i], 1 - limits[i], -1)
    end
    redis.call('RPUSH', KEYS[i], stamp)
    redis.call('PEXPIRE', KEYS[i], math.ceil(periods[i] / 1000) + 1)
    used[i] = used[i] + 1
  end
end
return {accepted, limits[tightest], string.format('%.0f', periods[tightest]), used[tightest],
  string.format('%.0f', reset[tightest]), stamp, known}
