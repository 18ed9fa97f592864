"""What the admin site adds to other features' routes: an erasure asks who is erased."""

adds = {"DELETE /api/v1/db_user/{username}": 1, "POST /api/v1/user/me/erasure": 1}
