"""The rules of a tier, for the limiter (kernel.limits)."""

from features.rate_limits.crud import rules_of_tier
from kernel.limiting.limiter import Rule
from kernel.unit_of_work import UnitOfWork


async def rules_of(db: UnitOfWork, tier_id: int) -> dict[str, Rule]:
    """The rules of a tier, by sanitised path."""
    rows = await rules_of_tier.all(db, tier_id=tier_id)
    return {row["path"]: Rule(row["limit"], row["period"]) for row in rows}
