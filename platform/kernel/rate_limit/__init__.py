"""`rate_limiter`: a sliding log of accepted calls, by the tiers' rules."""

from kernel.rate_limit.dependency import forget_rules, rate_limiter, sanitise
from kernel.rate_limit.limiter import Limiter
from kernel.rate_limit.networks import network_of
from kernel.rate_limit.rules import Decision, Quota, Rule
from kernel.rate_limit.write_budget import spend_write

__all__ = ["Decision", "Limiter", "Quota", "Rule", "forget_rules", "network_of", "rate_limiter"]
__all__ += ["sanitise", "spend_write"]
