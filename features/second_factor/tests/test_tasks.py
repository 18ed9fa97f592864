"""What can't be used any more is removed."""

from datetime import timedelta

from sqlalchemy import func, select, update
from sqlmodel import col

from features.second_factor import codes, tickets
from features.second_factor.models import LoginTicket, PasskeyChallenge, Totp
from features.second_factor.tests.factories import set_up_app, ticket_of
from kernel.resources import Resources
from tests.accounts import PASSWORD, Person


async def test_expired_tickets_and_challenges_go_and_others_stay(
    user: Person, resources: Resources
) -> None:
    await set_up_app(user)
    await ticket_of(user, "user1", PASSWORD)
    await user.post("/api/v1/login/passkey/options")
    async with resources.unit() as db:
        for table in (LoginTicket, PasskeyChallenge):
            past = col(table.expires_at) - timedelta(hours=1)
            await db.execute(update(table).values(expires_at=past))
    await ticket_of(user, "user1", PASSWORD)

    async with resources.unit() as db:
        removed = await tickets.purge(db)

    async with resources.unit() as db:
        left = await db.scalar(select(func.count()).select_from(LoginTicket))
    assert (removed, left) == (2, 1)


async def test_an_app_that_was_never_set_up_goes_after_a_day(
    user: Person, other: Person, resources: Resources
) -> None:
    await set_up_app(user)
    await other.post("/api/v1/second_factor/totp")
    async with resources.unit() as db:
        await db.execute(update(Totp).values(created_at=col(Totp.created_at) - timedelta(hours=25)))

    async with resources.unit() as db:
        removed = await codes.purge_unconfirmed(db, timedelta(days=1))

    assert removed == 1
    assert (await user.get("/api/v1/second_factor")).json()["totp"] is True
