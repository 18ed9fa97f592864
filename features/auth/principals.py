"""The caller of a request: the live user behind the live session that its token names."""

from features.auth.crud import principal_by_session
from features.auth.tokens import Claims
from kernel.database import UnitOfWork
from kernel.identity import Principal


async def live_principal(unit: UnitOfWork, claims: Claims) -> Principal | None:
    """Who the token speaks for at this moment; None when its session or its user is gone."""
    row = await principal_by_session.one(unit, user_id=claims.user_id, session_id=claims.session_id)
    if row is None:
        return None
    return Principal(
        row["id"], claims.session_id, row["username"], row["is_superuser"], row["tier_id"]
    )


def forget_principal(
    unit: UnitOfWork, *, user_id: int | None = None, session_id: int | None = None
) -> None:
    """Once the unit has committed, look anew at whoever this user is, or this session speaks for.

    Every change of a username, tier, role, password, every deletion and every end of a session
    comes through here.
    """
