"""What tiers keep of a person: the tier of the account."""

from sqlalchemy import bindparam, select
from sqlmodel import col

from features.tiers.models import Tier
from features.users.models import User

exports = {
    "tier": select(col(Tier.name))
    .join(User, col(User.tier_id) == col(Tier.id))
    .where(col(User.id) == bindparam("user_id"))
}
