-- Add to the counts of a minute: how many were answered, and how many of them with 5xx.
-- KEYS: the minute. ARGV: what to add to either, milliseconds to live.

local kept = redis.call('GET', KEYS[1]) or '0 0'
local answered, failed = string.match(kept, '(%d+) (%d+)')
local sums = string.format('%d %d', answered + ARGV[1], failed + ARGV[2])
redis.call('SET', KEYS[1], sums, 'PX', ARGV[3])
return sums
