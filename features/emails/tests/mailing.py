"""An application that sends mail, and the mailbox that its mails arrive in."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from email.message import EmailMessage
from typing import Any
from uuid import uuid4

from features.emails.links import hash_of
from features.emails.models import EmailLink
from features.emails.settings import EmailSettings
from features.emails.tests.server import Postbox, serving
from kernel.app import Application
from kernel.db.tables import now
from kernel.resources import Resources
from tests.accounts import Person
from tests.application import ApplicationFactory, client_of
from tests.callers import People
from tests.jobs import WorkerFactory

CODE = re.compile(r"#([\w-]{43})\b")


class Mailing:
    """An application, its worker and what they have mailed."""

    def __init__(
        self, app: Application, postbox: Postbox, worker: WorkerFactory, settings: dict[str, str]
    ) -> None:
        self.app, self.postbox = app, postbox
        self._worker, self._settings = worker, settings

    @property
    def resources(self) -> Resources:
        resources: Resources = self.app.state.resources
        return resources

    async def mails(self) -> list[EmailMessage]:
        """Run what is queued; what arrived since the last call."""
        async with self._worker(burst=True, **self._settings) as worker:
            await worker.async_run()
        found = self.postbox.messages
        self.postbox.raw.clear()
        return found

    def client(self, address: str = "127.0.0.1") -> Person:
        """Somebody, not logged in, without an account."""
        person = client_of(self.app, Person, address)
        person.app = self.app
        return person

    async def person(self, username: str, **values: Any) -> Person:
        """Somebody with an account, logged in."""
        person = await self.client().register(username, **values)
        await person.login()
        return person


@asynccontextmanager
async def mailing(
    make_app: ApplicationFactory, make_worker: WorkerFactory, **values: str
) -> AsyncIterator[Mailing]:
    """Start it, with these settings."""
    postbox = Postbox()
    async with serving(postbox):
        settings = {**postbox.settings, **values}
        async with make_app(**settings) as app:
            yield Mailing(app, postbox, make_worker, settings)


def text_of(mail: EmailMessage) -> str:
    """What it says, without HTML."""
    body = mail.get_body(("plain",))
    assert body is not None
    content: str = body.get_content()
    return content


def code_of(mail: EmailMessage) -> str:
    """The secret of the link that it has."""
    found = CODE.search(text_of(mail))
    assert found, text_of(mail)
    return found[1]


def turn_mail_on(people: People) -> None:
    """Let the application of the gates queue mails, which no worker sends."""
    settings = people.app.state.resources.settings
    kept = settings.group(EmailSettings)
    values = {"smtp_host": "127.0.0.1", "smtp_from": "app@example.com", "email_link_limit": 1000}
    on = kept.model_copy(update=values)
    settings._groups[EmailSettings] = on
    people.afterwards(lambda: settings._groups.update({EmailSettings: kept}))


async def mailed_link(people: People, purpose: str, email: str = "") -> str:
    """The code of a link of the owner's that was mailed, to the account's address or that one."""
    token = uuid4().hex
    async with people.app.state.resources.unit() as db:
        db.add(
            EmailLink(
                purpose=purpose,
                subject_id=people.owner.id,
                email=email or people.owner.email,
                token_hash=hash_of(token),
                expires_at=now() + timedelta(hours=1),
            )
        )
    return token
