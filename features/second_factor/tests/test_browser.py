"""The walk in a browser: an app and a passkey are set up on the page, and signed in with.

Debian's `chromium` is driven by playwright, with its virtual authenticator; without it this is
skipped, and says so.
"""

import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from features.second_factor.tests.factories import App
from tests.accounts import PASSWORD
from tests.browser import needs_chromium
from tests.served import serving

browsing = pytest.importorskip("infra.drills.browsing")
blocks = pytest.importorskip("infra.docs.blocks")
playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect

AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}
LATER = "UPDATE session SET password_at = password_at - interval '11 minutes'"
MIGHTY = 'UPDATE "user" SET is_superuser = true'
pytestmark = [
    pytest.mark.drill,
    pytest.mark.longest,
    needs_chromium,
]


@pytest.fixture(scope="module")
def address(
    setting_values: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Where browsers reach the API: passkeys are bound to a name, which no number is."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    origin = f"http://localhost:{port}"
    folder = tmp_path_factory.mktemp("second-factor")
    values = {**setting_values, "PASSKEY_ORIGIN": origin}
    with serving(folder, values, "kernel.main:app", PORT=str(port)):
        yield origin


@pytest.fixture
def site(address: str, database_url: str) -> Any:
    """The API on an empty database, with an account."""
    site = browsing.Site(address)
    site.register("ada1")
    return site


class Walk:
    """A person at the page."""

    def __init__(self, site: Any, page: Any) -> None:
        self.site, self.page = site, page
        cdp = page.context.new_cdp_session(page)
        cdp.send("WebAuthn.enable")
        made = cdp.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
        self.cdp, self.authenticator = cdp, made["authenticatorId"]

    def verify_the_user(self, verified: bool) -> None:
        values = {"authenticatorId": self.authenticator, "isUserVerified": verified}
        self.cdp.send("WebAuthn.setUserVerified", values)

    def open(self) -> None:
        self.page.goto(f"{self.site.address}/api/v1/second_factor/page")

    def click(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def fill(self, label: str, value: str) -> None:
        self.page.get_by_label(label, exact=True).fill(value)

    def enter_password(self) -> None:
        self.fill("Username or e-mail", "ada1")
        self.page.locator("#password").fill(PASSWORD)
        self.page.keyboard.press("Enter")

    def enter_code(self, code: str) -> None:
        self.fill("Code", code)
        self.page.locator("#code-form").get_by_role("button", name="Go on").click()

    def sees(self, text: str) -> None:
        expect(self.page.get_by_text(text, exact=False).first).to_be_visible()

    def set_an_app_up(self) -> tuple[App, list[str]]:
        self.click("Set up an app")
        expect(self.page.locator("#qr svg")).to_be_visible()
        app = App(self.page.locator("#secret").inner_text())
        self.fill("Code from the app", app.code(-1))
        self.click("Finish")
        self.sees("The app is set up.")
        return app, self.codes()

    def codes(self) -> list[str]:
        texts: list[str] = self.page.locator("#code-list li").all_inner_texts()
        return texts

    def add_a_passkey(self, name: str) -> None:
        self.fill("Name of a new passkey", name)
        self.click("Add a passkey")
        self.sees("The passkey is added.")

    def sign_out(self) -> None:
        self.click("Sign out")
        expect(self.page.get_by_label("Username or e-mail")).to_be_visible()


@pytest.fixture
def walk(site: Any, chromium: Any) -> Iterator[Walk]:
    context = chromium.new_context()
    walk = Walk(site, site.watch(context.new_page()))
    walk.open()
    yield walk
    context.close()
    browsing.failed_on_purpose(site)  # a 401 asks for the code
    assert site.wrong == []


def test_an_app_is_set_up_and_signed_in_with(walk: Walk) -> None:
    walk.enter_password()
    walk.sees("This account has no second factor.")
    app, codes = walk.set_an_app_up()
    walk.sign_out()

    walk.enter_password()
    expect(walk.page.get_by_label("Code", exact=True)).to_be_focused()
    walk.enter_code("000000")
    expect(walk.page.get_by_role("alert")).to_have_text(re.compile("^Wrong code or passkey"))
    walk.enter_code(app.code())
    walk.sees("This account has a second factor, and 10 recovery codes.")
    walk.sign_out()
    walk.enter_password()
    walk.enter_code(codes[0].upper())

    walk.sees("This account has a second factor, and 9 recovery codes.")
    assert len(set(codes)) == 10


def test_a_passkey_is_added_and_signed_in_with(walk: Walk) -> None:
    walk.enter_password()
    walk.add_a_passkey("Laptop")
    walk.sign_out()

    walk.click("Sign in with a passkey")
    walk.sees("Laptop")
    walk.sign_out()
    walk.enter_password()
    walk.click("Use a passkey")
    walk.sees("Laptop")
    walk.sign_out()
    walk.verify_the_user(False)
    walk.click("Sign in with a passkey")

    expect(walk.page.get_by_role("alert")).to_be_visible()
    expect(walk.page.locator("#manage")).to_be_hidden()


def test_the_code_of_the_documentation_signs_in_with_a_passkey(walk: Walk) -> None:
    walk.enter_password()
    walk.add_a_passkey("Laptop")
    walk.sign_out()
    code = blocks.code_run_by(Path(__file__))

    walk.page.evaluate(f"async () => {{ {code} }}")

    walk.page.reload()
    walk.sees("Laptop")


def test_after_a_while_what_matters_asks_for_a_factor_and_is_done_then(
    walk: Walk, setting_values: dict[str, str]
) -> None:
    walk.enter_password()
    walk.add_a_passkey("Laptop")
    walk.set_an_app_up()
    browsing.execute(setting_values["DATABASE_URL"], LATER)
    walk.click("Remove the app")
    walk.click("Use a passkey")
    walk.sees("The app is removed.")
    browsing.execute(setting_values["DATABASE_URL"], LATER)
    shown = walk.codes()
    walk.click("New recovery codes")
    walk.click("Leave it")
    assert walk.codes() == shown
    walk.page.reload()
    walk.click("Remove the passkey Laptop")
    walk.click("Use a passkey")

    walk.sees("The passkey is removed.")
    walk.sees("This account has no second factor.")
    answer = httpx2.post(
        f"{walk.site.address}/api/v1/login", data={"username": "ada1", "password": PASSWORD}
    )
    assert answer.status_code == 200


def test_a_superuser_signs_in_to_the_admin_site_by_a_passkey(
    walk: Walk, setting_values: dict[str, str]
) -> None:
    if httpx2.get(f"{walk.site.address}/admin/sign-in").status_code == 404:
        pytest.skip("this application has no admin site")
    walk.enter_password()
    walk.add_a_passkey("Laptop")
    walk.sign_out()
    browsing.execute(setting_values["DATABASE_URL"], MIGHTY)

    walk.page.goto(f"{walk.site.address}/admin/user/list")
    walk.enter_password()
    walk.verify_the_user(False)
    walk.click("Use a passkey")
    walk.sees("No passkey was used.")
    walk.verify_the_user(True)
    walk.click("Use a passkey")

    walk.sees("Sign out")
    assert walk.page.url == f"{walk.site.address}/admin/user/list"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_a_phone_and_follows_the_colours(
    scheme: str, site: Any, chromium: Any, tmp_path: Path
) -> None:
    size: Any = {"width": 360, "height": 740}
    context = chromium.new_context(viewport=size, color_scheme=scheme)
    walk = Walk(site, site.watch(context.new_page()))

    def fits(name: str) -> None:
        walk.page.screenshot(path=tmp_path / f"{name}-{scheme}.png", full_page=True)
        assert walk.page.evaluate("document.documentElement.scrollWidth") <= 360, name
        back = walk.page.evaluate("getComputedStyle(document.body).backgroundColor")
        lightness = sum(int(part) for part in re.findall(r"\d+", back)[:3])
        assert (lightness > 600) == (scheme == "light"), (name, back)

    walk.open()
    expect(walk.page.get_by_label("Username or e-mail")).to_be_focused()
    fits("sign-in")
    walk.enter_password()
    walk.click("Set up an app")
    expect(walk.page.locator("#qr svg")).to_be_visible()
    fits("app")
    walk.page.reload()
    walk.set_an_app_up()
    walk.add_a_passkey("A laptop with a long name, mine, which is at home")
    fits("manage")
    walk.sign_out()
    walk.enter_password()
    expect(walk.page.get_by_label("Code", exact=True)).to_be_focused()
    fits("code")
    print(f"\npictures: {tmp_path}")
    context.close()
    browsing.failed_on_purpose(site)
    assert site.wrong == []
