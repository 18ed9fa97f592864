"""Names under which sessions and principals are kept, and forgotten."""

PRINCIPAL = "principal:{user_id}:{session_id}"
SESSION = "session:{session_id}"
