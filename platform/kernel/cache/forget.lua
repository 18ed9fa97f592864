
-- ARGV: the tokens of the writers that end.
for _, key in ipairs(KEYS) do
  local list, last = others(key)
  if list == '' then
    redis.call('DEL', key)
  else
    redis.call('SET', key, '!' .. string.sub(list, 2), 'PX', last - now)
  end
end
