"""Settings of tiers: the first one, and the one of new accounts."""

from typing import Annotated

from pydantic import Field, StringConstraints

from features.tiers.models import NAME_PATTERN
from kernel.config import SettingsGroup


class TierSettings(SettingsGroup):
    """Names of tiers."""

    title = "Tiers"
    tier_name: Annotated[
        str,
        StringConstraints(pattern=NAME_PATTERN),
        Field(description="the tier that the first seed makes"),
    ] = "free"
    default_tier: Annotated[
        str | None,
        StringConstraints(pattern=NAME_PATTERN),
        Field(description="the tier of new accounts; empty: none"),
    ] = None
