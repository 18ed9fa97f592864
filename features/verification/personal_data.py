"""What verification keeps of a person: whether the address is still to be confirmed."""

from sqlalchemy import bindparam, select
from sqlmodel import col

from features.verification.models import UnverifiedUser

exports = {
    "unverified": select(col(UnverifiedUser.created_at)).where(
        col(UnverifiedUser.user_id) == bindparam("user_id")
    )
}
