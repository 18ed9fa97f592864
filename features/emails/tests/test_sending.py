"""A mail leaves when its transaction has committed, and what the server answers has its end."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from features.emails.crud import send_email, suppress
from features.emails.delivery import Refused
from features.emails.tasks import send
from features.emails.tests.server import Postbox, serving
from features.emails.trial import attempt
from kernel.app import Application
from kernel.config import Settings
from kernel.resources import Resources
from tests.accounts import Person
from tests.application import ApplicationFactory
from tests.jobs import WorkerFactory
from tests.needs import needs

ADA = "ada@example.org"
RunAndLog = Callable[..., Awaitable[str]]


@pytest.fixture
async def postbox() -> AsyncIterator[Postbox]:
    """A server that takes every mail."""
    box = Postbox()
    async with serving(box):
        yield box


@pytest.fixture
def _quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attempts follow one another at once."""
    monkeypatch.setattr(type(send), "delay", lambda self, attempt: 0.01)


@pytest.fixture
async def app(make_app: ApplicationFactory, postbox: Postbox) -> AsyncIterator[Application]:
    """An application that sends mails to the postbox."""
    async with make_app(**postbox.settings) as app:
        yield app


@pytest.fixture
def run(
    make_worker: WorkerFactory, postbox: Postbox, capsys: pytest.CaptureFixture[str]
) -> RunAndLog:
    """Run what is queued; what was logged meanwhile."""

    async def run_jobs(**settings: str) -> str:
        capsys.readouterr()
        async with make_worker(burst=True, **{**postbox.settings, **settings}) as worker:
            await worker.async_run()
        said = capsys.readouterr()
        return said.out + said.err

    return run_jobs


async def queue(app: Application, to: str = ADA, app_name: str = "Zoo") -> str:
    async with app.state.resources.unit() as db:
        job_id = await send_email(db, "emails.test", to, app=app_name)
    assert job_id is not None
    return job_id


async def job(superuser: Person, job_id: str) -> dict[str, Any]:
    shown: dict[str, Any] = (await superuser.get(f"/api/v1/jobs/{job_id}")).json()
    return shown


async def test_a_committed_mail_arrives_once_with_both_texts(
    app: Application,
    postbox: Postbox,
    run: RunAndLog,
) -> None:
    job_id = await queue(app, app_name="Ada <3 & Zoë")

    await run()

    [message] = postbox.messages
    plain, html = [part.get_content() for part in message.iter_parts()]
    assert message.get_content_type() == "multipart/alternative"
    assert postbox.recipients == [ADA]
    assert (message["To"], message["Subject"]) == (ADA, "Mail arrives")
    assert message["Message-ID"] == f"<{job_id}@example.com>"
    assert message["Date"].datetime.tzinfo is not None
    assert "Ada <3 & Zoë sent this" in plain
    assert "Ada &lt;3 &amp; Zoë sent this" in html


async def test_a_mail_whose_transaction_is_undone_never_leaves(
    app: Application,
    postbox: Postbox,
    run: RunAndLog,
) -> None:
    with pytest.raises(ZeroDivisionError):
        async with app.state.resources.unit() as db:
            await send_email(db, "emails.test", ADA, app="Zoo")
            raise ZeroDivisionError

    await run()

    assert postbox.raw == []


async def test_without_smtp_nothing_is_queued(make_app: ApplicationFactory) -> None:
    async with make_app() as app, app.state.resources.unit() as db:
        assert await send_email(db, "emails.test", ADA, app="Zoo") is None


@pytest.mark.usefixtures("_quick_retries")
@needs("tasks")
async def test_what_is_refused_for_now_is_tried_again_with_the_same_id(
    app: Application,
    postbox: Postbox,
    run: RunAndLog,
    superuser: Person,
) -> None:
    postbox.answers = ["451 ada@example.org: come back later", "421 4.7.0 busy"]
    job_id = await queue(app)

    lines = await run()

    [message] = postbox.messages
    shown = await job(superuser, job_id)
    assert message["Message-ID"] == f"<{job_id}@example.com>"
    assert (shown["status"], shown["tries"], shown["result"]) == ("complete", 3, "sent")
    assert "451" in lines
    assert ADA not in lines


@pytest.mark.usefixtures("_quick_retries")
@needs("tasks")
async def test_a_server_that_is_away_fails_the_job_after_eight_attempts(
    app: Application, run: RunAndLog, superuser: Person, unused_tcp_port: int
) -> None:
    job_id = await queue(app)

    lines = await run(SMTP_PORT=str(unused_tcp_port))

    shown = await job(superuser, job_id)
    assert (shown["status"], shown["tries"]) == ("failed", 8)
    assert "The SMTP server can't be reached" in shown["error"]
    assert ADA not in lines


@needs("tasks")
async def test_an_address_without_a_mailbox_gets_no_more_mail(
    app: Application,
    postbox: Postbox,
    run: RunAndLog,
    superuser: Person,
) -> None:
    postbox.answers = ["550 5.1.1 <ada@example.org>: no such user"]
    first = await queue(app)
    lines = await run()
    second = await queue(app, to="Ada@Example.org")
    lines += await run()

    shown = [await job(superuser, one) for one in (first, second)]
    listed = (await superuser.get("/api/v1/emails/suppressions")).json()["data"]
    assert postbox.raw == []
    assert [one["status"] for one in shown] == ["complete", "complete"]
    assert "no such mailbox" in shown[0]["result"]
    assert "suppression list (refused)" in shown[1]["result"]
    assert [(one["email"], one["reason"]) for one in listed] == [(ADA, "refused")]
    assert ADA not in lines.lower()


@needs("tasks")
async def test_a_mail_that_is_refused_for_good_fails_at_once(
    app: Application,
    postbox: Postbox,
    run: RunAndLog,
    superuser: Person,
) -> None:
    postbox.answers = ["554 5.7.1 spam"]
    job_id = await queue(app)

    await run()

    shown = await job(superuser, job_id)
    assert (shown["status"], shown["tries"]) == ("failed", 1)
    assert "(554)" in shown["error"]
    assert (await superuser.get("/api/v1/emails/suppressions")).json()["data"] == []


async def test_suppressing_twice_is_once(resources: Resources) -> None:
    for email in (ADA, ADA.upper()):
        async with resources.unit() as db:
            await suppress(db, email, "refused")


async def test_an_address_is_listed_once_and_taken_off_again(superuser: Person) -> None:
    path = "/api/v1/emails/suppression"
    made = await superuser.post(path, json={"email": ADA})
    again = await superuser.post(path, json={"email": ADA.upper()})
    gone = await superuser.delete(f"{path}/{made.json()['id']}")
    missing = await superuser.delete(f"{path}/{made.json()['id']}")

    assert (made.status_code, made.json()["reason"]) == (201, "manual")
    assert (again.status_code, again.json()["detail"]) == (422, "The address is on the list")
    assert (gone.status_code, missing.status_code) == (200, 404)


async def test_a_trial_says_what_the_server_answered(postbox: Postbox) -> None:
    settings = Settings(postbox.settings)

    said = await attempt(settings, ADA)
    postbox.answers = ["550 no such user"]

    assert "has taken the mail" in said
    assert postbox.recipients == [ADA]
    with pytest.raises(Refused, match="550"):
        await attempt(settings, ADA)
    with pytest.raises(ValueError, match="SMTP_HOST isn't set"):
        await attempt(Settings({}), ADA)
