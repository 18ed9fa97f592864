-- Keep a value, if the versions that it was made under still stand.
-- KEYS: the entry, the epoch, the names. ARGV: milliseconds to live, the entry, the versions.
--
-- A version lives as long as what is stored under it. Until then it is gone soon, so that names
-- which only occur in wrong paths fill no memory.

for i = 2, #KEYS do
  if redis.call('GET', KEYS[i]) ~= ARGV[i + 1] then return 0 end
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[1])
for i = 3, #KEYS do redis.call('PEXPIRE', KEYS[i], ARGV[1], 'GT') end
return 1
