"""An account from its registration to its erasure, by the API and by the mails that it sends."""

import io
import re
import zipfile
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import inspect, text

from features.emails.tests.mailing import Mailing, code_of, mailing
from kernel.resources import Resources
from tests.accounts import refusal
from tests.application import ApplicationFactory
from tests.jobs import WorkerFactory
from tests.needs import needs

API = "/api/v1"
NEW = "an unguessed pass phrase"

pytestmark = needs("verification", "privacy")


@pytest.fixture
async def mail(make_app: ApplicationFactory, make_worker: WorkerFactory) -> AsyncIterator[Mailing]:
    async with mailing(make_app, make_worker, REQUIRE_VERIFIED_EMAIL="login") as mail:
        yield mail


async def tables_with(resources: Resources, word: str) -> set[str]:
    """The tables of which a row holds that text."""
    async with resources.unit() as db:
        connection = await db.connection()
        tables = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
        rows = {
            table: await connection.scalar(
                text(f'SELECT count(*) FROM "{table}" AS one WHERE one::text LIKE :word'),  # noqa: S608
                {"word": f"%{word}%"},
            )
            for table in tables
        }
    return {table for table, number in rows.items() if number}


@needs("privacy", "verification")
async def test_an_account_is_registered_confirmed_recovered_exported_and_erased(
    mail: Mailing,
) -> None:
    ada = await mail.client().register("ada", email="ada@quagga.example")
    [confirm] = await mail.mails()
    unconfirmed = await ada.login()
    confirmed = await ada.post(f"{API}/email/confirmation", json={"token": code_of(confirm)})
    assert [unconfirmed.status_code, confirmed.status_code] == [403, 200]
    assert (await ada.login()).status_code == 200

    forgot = await ada.post(f"{API}/password/forgot", json={"email": ada.email})
    [reset] = await mail.mails()
    values = {"token": code_of(reset), "password": NEW}
    done = [await ada.post(f"{API}/password/reset", json=values) for _ in range(2)]
    [notice] = await mail.mails()
    assert [forgot.status_code, *[answer.status_code for answer in done]] == [202, 200, 400]
    assert "password" in str(notice["Subject"])
    assert (await ada.get(f"{API}/user/me/")).status_code == 401
    assert [(await ada.login()).status_code, (await ada.login(password=NEW)).status_code] == [
        401,
        200,
    ]

    asked = await ada.get(f"{API}/user/me/export")
    await mail.mails()
    archive = await ada.get(f"{API}/user/me/export")
    assert [asked.status_code, archive.status_code] == [202, 200]
    with zipfile.ZipFile(io.BytesIO(archive.content)) as file:
        texts = "".join(file.read(name).decode() for name in file.namelist())
    assert ada.email in texts
    assert not re.search(r"\$2b\$|hashed", texts)

    assert "user" in await tables_with(mail.resources, ada.email)
    assert (await ada.post(f"{API}/user/me/erasure")).status_code == 200
    assert refusal(await ada.login(password=NEW))[0] == 401
    assert await tables_with(mail.resources, ada.email) == set()
