"""The limiter's script: a sliding log of accepted calls, one list of moments for each quota.

The sliding window log (compare "Redis in Action", J. Carlson, 2013, and Cloudflare's "How we built
rate limiting capable of scaling to millions of domains", 2017). A call is accepted when the
limit-th newest accepted one is older than the period, so no stretch of a period ever holds more
than the limit; a refused call is not recorded. Memory is bounded by the limit, ten bytes a call.
"""

from kernel.redis.connection import Script

ACQUIRE = Script.beside(__file__, "sliding_log.lua")
