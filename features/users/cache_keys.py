"""Names under which what is known of users is kept, and forgotten."""

USER = "account:{user_id}"
