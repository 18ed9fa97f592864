"""Names under which the permissions of users are kept, and forgotten."""

PERMISSIONS = "permissions:{user_id}"
USER_ROLES = "user_roles:{user_id}"
"""Which roles a user has."""
ROLES = "roles"
"""What any role allows: every user's permissions depend on it."""
