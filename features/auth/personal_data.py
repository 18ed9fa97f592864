"""What auth keeps of a person: sessions, without what names a token."""

from sqlalchemy import bindparam, select
from sqlmodel import col

from features.auth.models import Session

exports = {
    "sessions": select(
        col(Session.id),
        col(Session.device),
        col(Session.address),
        col(Session.created_at),
        col(Session.last_used_at),
        col(Session.expires_at),
        col(Session.ended_at),
        col(Session.end_reason),
        col(Session.password_at),
    ).where(col(Session.user_id) == bindparam("user_id"))
}
omitted = {
    "session.refresh_jti": "names a token",
    "session.refresh_issued_at": "of a token; it is last_used_at",
    "token_blacklist": "names of used tokens, and nothing else",
}
