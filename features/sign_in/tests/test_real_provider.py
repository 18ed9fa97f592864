"""The drill of sign-in by npm's oidc-provider: what goes well, and each way in which it doesn't.

Without node and npm this is skipped, and says so; the browser's part needs Debian's `chromium`.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest
from playwright.sync_api import Browser, expect

from features.sign_in.tests.real_provider import (
    CLIENT,
    FAKETIME,
    NODE,
    NPM,
    SECRET,
    RealProvider,
    free_port,
    install,
    visit,
)
from tests.browser import needs_chromium
from tests.served import Api, serving

browsing = pytest.importorskip("infra.drills.browsing")

REFUSED = (400, "The sign-in could not be completed; begin it again.")
pytestmark = [
    pytest.mark.drill,
    pytest.mark.longest,
    pytest.mark.skipif(
        not (NODE and NPM), reason="needs node and npm on PATH: apt-get install nodejs npm"
    ),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install(tmp_path_factory.mktemp("provider"))


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def provider(folder: Path, port: int) -> Iterator[RealProvider]:
    provider = RealProvider(folder, f"http://127.0.0.1:{port}/api/v1/sign-in/sso/callback")
    yield provider
    provider.stop()


@pytest.fixture(scope="module")
def other(folder: Path, port: int) -> Iterator[RealProvider]:
    provider = RealProvider(folder, f"http://127.0.0.1:{port}/api/v1/sign-in/other/callback")
    yield provider
    provider.stop()


@pytest.fixture(autouse=True)
def running(provider: RealProvider, other: RealProvider) -> Iterator[None]:
    provider.start()
    other.start()
    yield
    provider.stop()
    other.stop()


@pytest.fixture(scope="module")
def front_end() -> Iterator[str]:
    """An origin of its own, which may call the API."""
    with browsing.page_elsewhere("<h1>Front end</h1>") as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def api(
    provider: RealProvider,
    other: RealProvider,
    front_end: str,
    port: int,
    setting_values: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Api]:
    more = (
        f'[{{"name": "other", "title": "Other", "issuer": "{other.issuer}",'
        f' "client_id": "{CLIENT}", "client_secret": "{SECRET}"}}]'
    )
    values = {
        **setting_values,
        **provider.settings,
        "SIGN_IN_MORE_PROVIDERS": more,
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "CORS_ORIGINS": front_end,
    }
    with serving(tmp_path_factory.mktemp("api"), values, "kernel.main:app", PORT=str(port)) as api:
        yield api
        said = api.log
    for secret in (SECRET, "eyJ", "code=", "state="):
        assert secret not in said


@contextmanager
def browser(api: Api) -> Iterator[httpx2.Client]:
    """A client that keeps cookies, as browsers do on 127.0.0.1: those that ask for TLS, too."""
    base = f"http://127.0.0.1:{api.address[1]}"
    with httpx2.Client(base_url=base, timeout=20) as client:
        client.event_hooks = {"response": [lambda answer: _keep(client, answer)]}
        yield client


def _keep(client: httpx2.Client, answer: httpx2.Response) -> None:
    client.cookies.extract_cookies(answer)
    for cookie in client.cookies.jar:
        cookie.secure = False


def start(client: httpx2.Client, name: str = "sso", **query: str) -> str:
    answer = client.get(f"/api/v1/sign-in/{name}", params=query)
    assert answer.status_code == 303, answer.text
    location: str = answer.headers["Location"]
    return location


def refusal(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["detail"]


def me(client: httpx2.Client) -> dict[str, object]:
    token = client.post("/api/v1/refresh").json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    shown: dict[str, object] = client.get("/api/v1/user/me/", headers=headers).json()
    return shown


def test_a_person_signs_in_and_again_after_the_keys_are_new(
    api: Api, provider: RealProvider
) -> None:
    with browser(api) as person:
        first = person.get(visit(start(person, next="/account"), "grace"))
        account = me(person)
    provider.stop()
    provider.start()
    with browser(api) as person:
        again = person.get(visit(start(person), "grace"))
        same = me(person)

    assert (first.status_code, first.headers["Location"]) == (303, "/account")
    assert (account["name"], account["email"]) == ("GRACE", "grace@example.org")
    assert again.status_code == 200
    assert same["id"] == account["id"]


def test_state_and_code_are_good_once(api: Api) -> None:
    with browser(api) as person:
        back = visit(start(person), "grace")
        good = person.get(back)
        replayed = person.get(back)
        url = httpx2.URL(visit(start(person), "grace"))
        used = httpx2.URL(back).params["code"]
        injected = person.get(str(url.copy_set_param("code", used)))

    assert good.status_code == 200
    assert (refusal(replayed), refusal(injected)) == (REFUSED, REFUSED)


def test_a_wrong_verifier_is_refused_by_the_provider(
    api: Api, setting_values: dict[str, str]
) -> None:
    with browser(api) as person:
        back = visit(start(person), "grace")
        browsing.execute(
            setting_values["DATABASE_URL"],
            "UPDATE sign_in_attempt SET verifier = reverse(verifier)",
        )
        answer = person.get(back)

    assert refusal(answer) == REFUSED
    assert "the provider refuses the code" in api.log


def test_another_providers_answer_is_not_shown_to_this_one(api: Api) -> None:
    """The mix-up attack of RFC 9700, section 4.4: the code of one in the answer of the other."""
    with browser(api) as person:
        ours = httpx2.URL(start(person)).params["state"]
        theirs = httpx2.URL(visit(start(person, "other"), "mallory")).params
        answer = person.get(
            "/api/v1/sign-in/sso/callback",
            params={"state": ours, "code": theirs["code"], "iss": theirs["iss"]},
        )

    assert refusal(answer) == REFUSED
    assert "issuer of the answer" in api.log


def test_one_person_has_two_providers_and_steps_up_by_either(api: Api) -> None:
    with browser(api) as person:
        person.get(visit(start(person), "grace"))
        token = person.post("/api/v1/refresh").json()["access_token"]
        person.headers["Authorization"] = f"Bearer {token}"
        early = person.post("/api/v1/sign-in/other/link", json={})
        url = person.post("/api/v1/sign-in/sso/step-up", json={}).json()["url"]
        confirmed = person.get(visit(url, "grace"))
        linking = person.post("/api/v1/sign-in/other/link", json={})
        linked = person.get(visit(linking.json()["url"], "hopper"))
        listed = person.get("/api/v1/sign-in/identities").json()["data"]
        removed = [
            person.delete(f"/api/v1/sign-in/identity/{one['id']}").status_code for one in listed
        ]

    assert early.json()["type"] == "urn:problem-type:step-up-required"
    assert (confirmed.status_code, linked.status_code) == (200, 200)
    assert removed == [200, 409]


@pytest.mark.skipif(FAKETIME is None, reason="needs faketime on PATH: apt-get install faketime")
@pytest.mark.parametrize(
    ("skew", "status"), [("+45s", 200), ("-45s", 200), ("+5m", 400), ("-5m", 400)]
)
def test_the_providers_clock_may_be_wrong_by_a_minute(
    api: Api, provider: RealProvider, skew: str, status: int
) -> None:
    provider.stop()
    provider.start(skew, ttl=30)
    with browser(api) as person:
        answer = person.get(visit(start(person), "grace"))

    assert answer.status_code == status, answer.text


def test_a_provider_that_is_away_or_silent_is_told_and_comes_back(
    api: Api, provider: RealProvider
) -> None:
    with browser(api) as person:
        back = visit(start(person), "grace")
        with provider.silent():
            began = time.monotonic()
            silent = person.get(back)
            took = time.monotonic() - began
        back = visit(start(person), "grace")
        provider.stop()
        away = person.get(back)
        provider.start()
        again = person.get(visit(start(person), "grace"))

    assert (silent.status_code, away.status_code, again.status_code) == (503, 503, 200)
    assert silent.headers["Retry-After"] == away.headers["Retry-After"] == "10"
    assert took < 4


@needs_chromium
def test_a_person_signs_in_with_a_browser(api: Api, front_end: str, chromium: Browser) -> None:
    base = f"http://127.0.0.1:{api.address[1]}"
    page = chromium.new_page()
    page.goto(f"{base}/api/v1/sign-in/sso?next={front_end}/account")
    page.locator("input[name=login]").fill("ada")
    page.locator("input[name=password]").fill("any")
    page.locator("button[type=submit]").click()
    page.locator("button[type=submit]").click()  # agrees
    page.wait_for_url(f"{front_end}/account")
    email = page.evaluate(
        """async (api) => {
            const options = {method: 'POST', credentials: 'include'};
            const token = await (await fetch(api + '/refresh', options)).json();
            const headers = {Authorization: `Bearer ${token.access_token}`};
            return (await (await fetch(api + '/user/me/', {headers})).json()).email;
        }""",
        f"{base}/api/v1",
    )
    cookies = {cookie["name"]: cookie for cookie in page.context.cookies(base)}

    # Again, by the session that the provider has by now; without a front end.
    page.goto(f"{base}/api/v1/sign-in/sso")
    expect(page.get_by_text("You are signed in.")).to_be_visible()
    page.reload()  # the answer of the provider, once more
    expect(page.get_by_role("alert")).to_contain_text("begin it again")

    assert email == "ada@example.org"
    assert cookies["sign_in"]["httpOnly"]
    assert cookies["refresh_token"]["httpOnly"]
