"""What sign-in keeps of a person: which accounts at providers, and which address was proved."""

from sqlalchemy import bindparam, select
from sqlmodel import col

from features.sign_in.models import ConfirmedAddress, Identity

exports = {
    "identities": select(
        col(Identity.id),
        col(Identity.issuer),
        col(Identity.subject),
        col(Identity.created_at),
        col(Identity.last_used_at),
    ).where(col(Identity.user_id) == bindparam("user_id")),
    "confirmed_addresses": select(
        col(ConfirmedAddress.email), col(ConfirmedAddress.confirmed_at)
    ).where(col(ConfirmedAddress.user_id) == bindparam("user_id")),
}
omitted = {"sign_in_attempt": "a sign-in under way, for ten minutes"}
