"""What rate limits offer the kernel: the rules of a tier, for `rate_limiter`."""

from features.rate_limits.crud import rules_of_tier
from kernel.db import UnitOfWork
from kernel.rate_limit import Rule


async def rules_of(db: UnitOfWork, tier_id: int) -> dict[str, Rule]:
    """The rules of a tier, by sanitised path."""
    rules = await rules_of_tier.all(db, tier_id=tier_id)
    return {rule.path: Rule(rule.limit, rule.period) for rule in rules}


providers = {"rules_of": rules_of}
