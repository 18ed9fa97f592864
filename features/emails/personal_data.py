"""What emails keep of a person: whether the address gets no mail, and why."""

from sqlalchemy import bindparam, func, select
from sqlmodel import col

from features.emails.models import EmailSuppression
from features.users.models import User

exports = {
    "suppressions": select(
        col(EmailSuppression.email), col(EmailSuppression.reason), col(EmailSuppression.created_at)
    )
    .join(User, func.lower(col(User.email)) == col(EmailSuppression.email))
    .where(col(User.id) == bindparam("user_id"))
}
