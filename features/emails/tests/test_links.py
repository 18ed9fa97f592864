"""A link that is mailed: the same however often its job runs, and never in what is kept."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from httpx2 import Response
from sqlalchemy import update

from features.emails import crud, tasks
from features.emails.links import address_of, hash_of, in_words, token_of
from features.emails.models import EmailLink
from features.emails.rendering import Rendered
from features.emails.tests.mailing import Mailing, code_of, mailing
from features.users.crud import change_user
from kernel import jobs
from kernel.config import Settings
from kernel.db.tables import now
from tests.accounts import Person
from tests.application import SECRET_KEY, ApplicationFactory
from tests.jobs import WorkerFactory
from tests.needs import needs

ADA = "ada@example.org"


def render(template: str, values: dict[str, Any]) -> Rendered:
    """A mail with its link, in place of templates, which other features have."""
    return Rendered(template, f"{values['link']} {values['lifetime']}", "<p>")


@pytest.fixture
async def mail(
    make_app: ApplicationFactory, make_worker: WorkerFactory, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Mailing]:
    monkeypatch.setattr(tasks, "render", render)
    async with mailing(make_app, make_worker) as mail:
        yield mail


async def send(mail: Mailing, **values: Any) -> None:
    given = {"subject_id": 7, "page": "/page", "lifetime": timedelta(hours=3)}
    async with mail.resources.unit() as db:
        await crud.send_link(db, "zoo.visit", ADA, **{**given, **values})


async def good(mail: Mailing, token: str) -> bool:
    async with mail.resources.unit() as db:
        link = await crud.good_link.one(db, token_hash=hash_of(token), purposes=["zoo.visit"])
    return link is not None


async def requeue(superuser: Person) -> Response:
    """Let the job that mailed the link run again, as a crash may."""
    jobs = (await superuser.get("/api/v1/jobs", params={"function": crud.SEND_LINK})).json()
    path = f"/api/v1/jobs/{jobs['data'][0]['job_id']}/requeue"
    answer: Response = await superuser.post(path)
    return answer


@needs("tasks")
async def test_a_job_that_runs_twice_mails_the_same_link_under_the_same_id(mail: Mailing) -> None:
    grace = await mail.person("grace")
    async with mail.resources.unit() as db:
        await change_user(db, grace.id, {"is_superuser": True})
    await send(mail)
    [first] = await mail.mails()
    assert (await requeue(grace)).status_code == 200
    [second] = await mail.mails()

    assert code_of(first) == code_of(second)
    assert first["Message-ID"] == second["Message-ID"]
    assert await good(mail, code_of(first))


@needs("tasks")
async def test_a_link_that_is_used_or_withdrawn_is_not_mailed_again(mail: Mailing) -> None:
    grace = await mail.person("grace")
    async with mail.resources.unit() as db:
        await change_user(db, grace.id, {"is_superuser": True})
    await send(mail)
    [sent] = await mail.mails()
    async with mail.resources.unit() as db:
        await crud.withdraw_links(db, 7, "zoo.visit")
    await requeue(grace)

    assert await mail.mails() == []
    assert not await good(mail, code_of(sent))


async def test_only_the_hash_is_kept_and_only_once_it_is_mailed(mail: Mailing) -> None:
    await send(mail)
    async with mail.resources.unit() as db:
        before = await crud.crud_links.get(db, email=ADA)
    [sent] = await mail.mails()
    async with mail.resources.unit() as db:
        after = await crud.crud_links.get(db, email=ADA)

    assert before is not None
    assert after is not None
    assert before["token_hash"] is None
    assert after["token_hash"] == hash_of(code_of(sent))
    assert timedelta(hours=2, minutes=58) < after["expires_at"] - after["created_at"]


async def test_withdrawing_spares_another_purpose_subject_and_the_address_named(
    mail: Mailing,
) -> None:
    for values in ({}, {"subject_id": 8}):
        await send(mail, **values)
    async with mail.resources.unit() as db:
        await crud.withdraw_links(db, 7, "zoo.closed")
        await crud.withdraw_links(db, 7, "zoo.visit", but_to=ADA.upper())
        assert await crud.crud_links.count(db) == 2
        await crud.withdraw_links(db, 7, "zoo.closed", "zoo.visit")
        assert await crud.crud_links.count(db) == 1


async def test_without_smtp_there_is_no_link(make_app: ApplicationFactory) -> None:
    async with make_app() as app, app.state.resources.unit() as db:
        given: dict[str, Any] = {"page": "/page", "lifetime": timedelta(hours=3)}
        await crud.send_link(db, "zoo.visit", ADA, subject_id=7, **given)

        assert await crud.crud_links.count(db) == 0


def test_a_link_leads_to_the_public_address_or_to_a_page_of_a_front_end() -> None:
    settings = Settings({"PUBLIC_URL": "https://api.example.com/base/"})

    assert address_of(settings, "/page", "t") == "https://api.example.com/base/page#t"
    assert address_of(settings, "https://app.example/p", "t") == "https://app.example/p#t"
    assert address_of(Settings({"PORT": "8123"}), "/page", "t") == "http://127.0.0.1:8123/page#t"


def test_a_token_follows_from_the_job_and_the_key_and_from_nothing_else() -> None:
    key, other = ({"SECRET_KEY": text} for text in (SECRET_KEY, SECRET_KEY[::-1]))

    tokens = [
        token_of(Settings(values), job)
        for values, job in [(key, "one"), (key, "one"), (key, "two"), (other, "one")]
    ]

    assert tokens[0] == tokens[1]
    assert len({*tokens}) == 3
    assert {len(token) for token in tokens} == {43}


@pytest.mark.parametrize(
    ("minutes", "words"),
    [(5, "5 minutes"), (60, "60 minutes"), (150, "150 minutes"), (1440, "24 hours")],
)
def test_how_long_it_works_is_said_in_words(minutes: int, words: str) -> None:
    assert in_words(timedelta(minutes=minutes)) == words


def test_the_table_has_no_column_for_the_token() -> None:
    assert {name for name in EmailLink.model_fields if "token" in name} == {"token_hash"}


async def test_anybody_may_keep_what_pages_are_made_of(client: httpx2.AsyncClient) -> None:
    style = await client.get("/api/v1/links/page.css")
    script = await client.get("/api/v1/links/page.js")

    assert style.headers["Content-Type"] == "text/css; charset=utf-8"
    assert script.headers["Content-Type"].startswith("text/javascript")
    assert {style.headers["Cache-Control"], script.headers["Cache-Control"]} == {
        "public, max-age=3600"
    }


async def test_links_that_have_expired_are_removed_by_their_schedule(mail: Mailing) -> None:
    await send(mail)
    await mail.mails()
    async with mail.resources.unit() as db:
        await db.execute(update(EmailLink).values(expires_at=now()))
        await jobs.add(db, "emails.purge_links")

    await mail.mails()

    async with mail.resources.unit() as db:
        assert await crud.crud_links.count(db) == 0
