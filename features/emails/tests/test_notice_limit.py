"""Notices don't flood a mailbox that somebody has registered who doesn't own it."""

from features.emails.crud import send_email, send_notice
from features.emails.tests.mailing import mailing
from tests.application import ApplicationFactory
from tests.jobs import WorkerFactory

ADA, TEMPLATE = "ada@example.org", "emails.test"


async def test_an_address_gets_few_notices_and_other_mails_as_ever(
    make_app: ApplicationFactory, make_worker: WorkerFactory
) -> None:
    async with mailing(make_app, make_worker, EMAIL_NOTICE_LIMIT="2") as mail:
        async with mail.resources.unit() as db:
            sent = [await send_notice(db, TEMPLATE, ADA, app="Zoo") for _ in range(3)]
            also = await send_notice(db, TEMPLATE, ADA.upper(), app="Zoo")
            other = await send_notice(db, TEMPLATE, "bob@example.org", app="Zoo")
            plain = await send_email(db, TEMPLATE, ADA, app="Zoo")
        mails = await mail.mails()

    assert [one is None for one in (*sent, also)] == [False, False, True, True]
    assert None not in (other, plain)
    assert len(mails) == 4
