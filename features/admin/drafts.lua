-- Keep a draft; of one user's drafts, the newest so many.
-- KEYS: the names of the user's drafts, the draft. ARGV: what it holds, milliseconds to live, how
-- many are kept.

local names = {KEYS[2]}
for name in string.gmatch(redis.call('GET', KEYS[1]) or '', '%S+') do
  if name ~= KEYS[2] and #names < tonumber(ARGV[3]) then
    table.insert(names, name)
  elseif name ~= KEYS[2] then
    redis.call('DEL', name)
  end
end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
redis.call('SET', KEYS[1], table.concat(names, ' '), 'PX', ARGV[2])
