"""What the audit log offers the kernel: how a transaction tells the triggers who writes."""

from features.audit.models import ACTOR, REQUEST


def actor_settings(user_id: int, request_id: str) -> dict[str, str]:
    """Settings of PostgreSQL for the transactions of a superuser's write."""
    return {ACTOR: str(user_id), REQUEST: request_id}


providers = {"actor_settings": actor_settings}
