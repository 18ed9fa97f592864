"""Fixtures of an application that sends mail, for the tests of every feature that has some."""

from collections.abc import AsyncIterator

import pytest

from features.emails.tests.mailing import Mailing, mailing
from tests.application import ApplicationFactory
from tests.jobs import WorkerFactory


@pytest.fixture(scope="module")
async def mail_app(
    make_app: ApplicationFactory, make_worker: WorkerFactory
) -> AsyncIterator[Mailing]:
    """One application for all tests of a module."""
    async with mailing(make_app, make_worker) as mail:
        yield mail


@pytest.fixture
def mail(mail_app: Mailing, database_url: str, redis_url: str) -> Mailing:
    """The same with empty servers, and an empty mailbox."""
    mail_app.postbox.clear()
    return mail_app
