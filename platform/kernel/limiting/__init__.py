"""Behind `rate_limiter`: the sliding log, in Redis or in this process, and the tiers' rules."""
