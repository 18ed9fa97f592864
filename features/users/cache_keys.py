"""Names under which what is known of users is kept, and forgotten."""

USER = "user:{user_id}"
