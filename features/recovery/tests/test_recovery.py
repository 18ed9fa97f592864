"""A forgotten password: a link to the account's address sets a new one, once."""

import asyncio
from typing import Any

import pytest
from httpx2 import Response
from sqlalchemy import update

from features.emails.crud import purge_links
from features.emails.events import AddressConfirmed
from features.emails.models import EmailLink
from features.emails.tests.mailing import Mailing, code_of, mailing, text_of
from features.users.crud import change_user
from kernel import events
from kernel.db.tables import now
from kernel.db.unit_of_work import UnitOfWork
from tests.accounts import Person, refusal
from tests.application import ApplicationFactory
from tests.jobs import WorkerFactory
from tests.needs import needs

FORGOT, RESET = "/api/v1/password/forgot", "/api/v1/password/reset"
NEW = "an unguessed pass phrase"
BAD_LINK = (400, "This link does not work, or no longer; ask for a new one.")


@pytest.fixture
async def ada(mail: Mailing) -> Person:
    """Somebody with an account, whose mailbox is empty."""
    person = await mail.person("ada")
    await mail.mails()
    return person


async def code(mail: Mailing, person: Person) -> str:
    """The code of a link that was asked for."""
    answer = await mail.client().post(FORGOT, json={"email": person.email})
    assert answer.status_code == 202
    [sent] = await mail.mails()
    return code_of(sent)


async def reset(mail: Mailing, token: str, password: str = NEW) -> Response:
    answer: Response = await mail.client().post(RESET, json={"token": token, "password": password})
    return answer


async def test_a_link_sets_a_new_password_that_alone_is_right(mail: Mailing, ada: Person) -> None:
    token = await code(mail, ada)

    answer = await reset(mail, token)

    [notice] = await mail.mails()
    old, new = await ada.login(), await ada.login(password=NEW)
    assert (answer.status_code, answer.json()) == (200, {"message": "Password changed"})
    assert notice["Subject"].startswith("Your password for")
    assert (old.status_code, new.status_code) == (401, 200)


async def test_the_sessions_from_before_are_over(mail: Mailing, ada: Person) -> None:
    await reset(mail, await code(mail, ada))

    answers = [await ada.get("/api/v1/user/me"), await ada.post("/api/v1/refresh")]

    assert [answer.status_code for answer in answers] == [401, 401]


async def test_known_and_unknown_addresses_are_answered_alike(mail: Mailing, ada: Person) -> None:
    async with mail.client() as client:
        known = await client.post(FORGOT, json={"email": "ADA@example.com"})
        unknown = await client.post(FORGOT, json={"email": "unknown@example.com"})

    sent = await mail.mails()
    assert (known.status_code, known.json()) == (unknown.status_code, unknown.json())
    assert known.status_code == 202
    assert [one["To"] for one in sent] == ["ada@example.com"]


async def test_a_link_works_once(mail: Mailing, ada: Person) -> None:
    token = await code(mail, ada)

    answers = [await reset(mail, token), await reset(mail, token, "another password")]

    assert answers[0].status_code == 200
    assert refusal(answers[1]) == BAD_LINK
    assert (await ada.login(password=NEW)).status_code == 200


async def test_of_those_who_use_a_link_at_once_one_gets_in(mail: Mailing, ada: Person) -> None:
    token = await code(mail, ada)
    passwords = [f"password number {number}" for number in range(4)]

    answers = await asyncio.gather(*[reset(mail, token, one) for one in passwords])

    right = [p for p, answer in zip(passwords, answers, strict=True) if answer.status_code == 200]
    logins = [(await ada.login(password=one)).status_code for one in passwords]
    assert len(right) == 1
    assert {refusal(answer) for answer in answers if answer.status_code != 200} == {BAD_LINK}
    assert logins == [200 if one in right else 401 for one in passwords]


async def test_of_two_links_used_at_once_one_works(mail: Mailing, ada: Person) -> None:
    tokens = [await code(mail, ada) for _ in range(2)]

    answers = await asyncio.gather(*[reset(mail, one) for one in tokens])

    assert sorted(answer.status_code for answer in answers) == [200, 400]


async def test_a_login_during_a_reset_leaves_no_session_of_the_old_password(
    mail: Mailing, ada: Person
) -> None:
    token = await code(mail, ada)
    thieves = [mail.client() for _ in range(4)]
    form = {"username": "ada", "password": ada.password}

    answers = await asyncio.gather(
        reset(mail, token), *[thief.post("/api/v1/login", data=form) for thief in thieves]
    )

    assert answers[0].status_code == 200
    for thief, answer in zip(thieves, answers[1:], strict=True):
        thief.use(answer)
        assert (await thief.get("/api/v1/user/me")).status_code == 401


async def test_links_that_are_altered_expired_foreign_or_guessed_are_refused_alike(
    mail: Mailing, ada: Person
) -> None:
    token = await code(mail, ada)
    altered = token[:-2] + ("AA" if token[-2:] != "AA" else "BB")
    foreign = token
    async with mail.resources.unit() as db:
        await db.execute(update(EmailLink).values(purpose="verification.confirm"))

    answers = [await reset(mail, one) for one in (altered, foreign, "x", "")]
    async with mail.resources.unit() as db:
        await db.execute(update(EmailLink).values(purpose="recovery.reset", expires_at=now()))
    answers.append(await reset(mail, token))

    assert {refusal(answer) for answer in answers} == {BAD_LINK}
    assert (await ada.login()).status_code == 200


@pytest.mark.parametrize("change", [{"email": "new@example.com"}, {"is_deleted": True}])
async def test_a_link_dies_with_the_address_and_the_account(
    mail: Mailing, ada: Person, change: dict[str, Any]
) -> None:
    token = await code(mail, ada)
    async with mail.resources.unit() as db:
        await change_user(db, ada.id, change)

    assert refusal(await reset(mail, token)) == BAD_LINK


async def test_a_changed_password_withdraws_links_that_were_not_mailed_yet(
    mail: Mailing, ada: Person
) -> None:
    await mail.client().post(FORGOT, json={"email": ada.email})
    mail.postbox.answers = ["451 later"]
    await mail.mails()
    values = {"password": NEW, "current_password": ada.password}
    await ada.patch("/api/v1/user/ada", json=values)

    sent = await mail.mails()

    assert [one["Subject"].partition(" for")[0] for one in sent] == ["Your password"]


@pytest.mark.parametrize("password", ["password123", "short", "ada@example.com", "ü" * 40])
async def test_a_new_password_keeps_to_the_rules_and_the_link_is_not_used_up(
    mail: Mailing, ada: Person, password: str
) -> None:
    token = await code(mail, ada)

    refused = await reset(mail, token, password)

    assert refused.status_code == 422
    assert password not in refused.text
    assert (await reset(mail, token)).status_code == 200


@pytest.mark.parametrize(
    "email", ["ada", "ada@example.com\nBcc: eve@example.com", "Eve <ada@example.com>", "a@b@c.org"]
)
async def test_what_is_no_address_is_refused(mail: Mailing, email: str) -> None:
    answer = await mail.client().post(FORGOT, json={"email": email})

    assert answer.status_code == 422


async def test_asking_has_a_budget_that_is_the_same_for_unknown_addresses(
    mail: Mailing, ada: Person
) -> None:
    for email in (ada.email, "unknown@example.com"):
        answers = [await mail.client().post(FORGOT, json={"email": email}) for _ in range(6)]

        assert [answer.status_code for answer in answers] == [202] * 5 + [429]
        assert int(answers[-1].headers["Retry-After"]) > 0


async def test_guessing_is_throttled_and_right_links_do_not_count(
    make_app: ApplicationFactory, make_worker: WorkerFactory
) -> None:
    async with mailing(make_app, make_worker, EMAIL_LINK_LIMIT="1") as mail:
        token = await code(mail, await mail.person("ada"))
        answers = [await reset(mail, "guess") for _ in range(9)]
        answers += [await reset(mail, token, "password"), await reset(mail, "guess")]
        answers.append(await reset(mail, token))

    statuses = [answer.status_code for answer in answers]
    assert statuses == [400] * 9 + [422, 400, 429]


@needs("tasks")
async def test_no_log_line_and_no_job_bears_a_token_an_unknown_address_or_a_password(
    mail: Mailing, ada: Person, capsys: pytest.CaptureFixture[str]
) -> None:
    async with mail.resources.unit() as db:
        await change_user(db, ada.id, {"is_superuser": True})
    token = await code(mail, ada)
    await mail.client().post(FORGOT, json={"email": "unknown@example.com"})
    await reset(mail, token)
    await reset(mail, token)
    await mail.mails()
    await ada.login(password=NEW)

    jobs = (await ada.get("/api/v1/jobs", params={"items_per_page": 100})).json()["data"]
    told = [(await ada.get(f"/api/v1/jobs/{job['job_id']}")).text for job in jobs]
    lines = capsys.readouterr()
    assert len(told) > 3
    for secret in (token, "unknown@example.com", NEW):
        assert secret not in "".join(told)
    for secret in (token, "unknown@example.com", "ada@example.com", NEW):
        assert secret not in lines.out + lines.err


async def test_without_smtp_nothing_is_offered(make_app: ApplicationFactory) -> None:
    from tests.application import client_of

    async with make_app() as app, client_of(app) as client:
        answers = [
            await client.post(FORGOT, json={"email": "ada@example.com"}),
            await client.post(RESET, json={"token": "x", "password": NEW}),
            await client.get(f"{RESET}/form"),
        ]

    assert {refusal(one) for one in answers} == {(503, "This server sends no mail.")}


async def test_a_mail_says_how_long_the_link_works_and_not_what_was_typed_in(
    mail: Mailing,
) -> None:
    ada = await mail.person("ada", name="Win at https://evil.example")
    await mail.client().post(FORGOT, json={"email": ada.email})

    [sent] = await mail.mails()

    assert "60 minutes" in text_of(sent)
    assert "http://127.0.0.1:8000/api/v1/password/reset/form#" in text_of(sent)
    assert "evil" not in text_of(sent)


async def test_a_new_password_proves_the_address(
    mail: Mailing, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[AddressConfirmed] = []

    async def look(event: AddressConfirmed, unit: UnitOfWork) -> None:
        seen.append(event)

    monkeypatch.setitem(events.registry(), AddressConfirmed, [look])

    await reset(mail, await code(mail, ada))

    assert seen == [AddressConfirmed(ada.id)]


async def test_expired_links_are_removed(mail: Mailing, ada: Person) -> None:
    await code(mail, ada)
    async with mail.resources.unit() as db:
        kept = await purge_links(db)
        await db.execute(update(EmailLink).values(expires_at=now()))
    async with mail.resources.unit() as db:
        gone = await purge_links(db)

    assert (kept, gone) == (0, 1)
