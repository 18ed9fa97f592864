
-- ARGV: the writer's token, and how long its intent lasts, in milliseconds.
local till = string.format('%.0f', now + ARGV[2])
for _, key in ipairs(KEYS) do
  redis.call('SET', key, '!' .. ARGV[1] .. '@' .. till .. others(key), 'PX', ARGV[2])
end
