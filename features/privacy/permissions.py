"""How often an account may have its data collected."""

from fastapi import Request

from features.auth.throttle import acquire
from features.privacy.settings import PrivacySettings
from kernel.context import context_of
from kernel.rate_limit import Quota, Rule


async def count_export(request: Request, user_id: int) -> None:
    """Raise RateLimitException (429) when this account has had too many archives made."""
    settings = context_of(request).resources.settings.group(PrivacySettings)
    rule = Rule(settings.export_limit, settings.export_period)
    await acquire(request, Quota(f"export:{user_id}", rule), user_id=user_id)
