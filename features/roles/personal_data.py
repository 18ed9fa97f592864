"""What roles keep of a person: which ones the account has."""

from sqlalchemy import bindparam, select
from sqlmodel import col

from features.roles.models import Role, UserRole

exports = {
    "roles": select(col(Role.name), col(UserRole.created_at))
    .join(Role, col(Role.id) == col(UserRole.role_id))
    .where(col(UserRole.user_id) == bindparam("user_id"))
}
omitted = {
    "user_role.id": "which has no meaning outside of the table",
    "user_role.user_id": "the account's own id, which users exports",
    "user_role.role_id": "of which the name is exported",
    "user_role.updated_at": "rows aren't changed",
}
