"""What API keys keep of a person: which keys, without what they are known by."""

from sqlalchemy import bindparam, select
from sqlmodel import col

from features.api_keys.models import ApiKey

exports = {
    "api_keys": select(
        col(ApiKey.id),
        col(ApiKey.name),
        col(ApiKey.prefix),
        col(ApiKey.scopes),
        col(ApiKey.limit),
        col(ApiKey.period),
        col(ApiKey.created_at),
        col(ApiKey.updated_at),
        col(ApiKey.expires_at),
        col(ApiKey.last_used_at),
        col(ApiKey.revoked_at),
    ).where(col(ApiKey.user_id) == bindparam("user_id"))
}
omitted = {"api_key.hashed_key": "by which the key is known again"}
