"""What users keep of a person: the account."""

from sqlalchemy import bindparam, select
from sqlmodel import col

from features.users.models import User

exports = {
    "account": select(
        col(User.id),
        col(User.name),
        col(User.username),
        col(User.email),
        col(User.profile_image_url),
        col(User.is_superuser),
        col(User.is_deleted),
        col(User.deleted_at),
        col(User.created_at),
        col(User.updated_at),
    ).where(col(User.id) == bindparam("user_id"))
}
omitted = {
    "user.hashed_password": "a secret",
    "user.version": "counts changes, for locks",
}
