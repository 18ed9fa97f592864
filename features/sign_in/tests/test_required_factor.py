"""Accounts without a password where every account must have a second factor."""

import pytest

from features.sign_in.tests.provider import Provider
from features.sign_in.tests.signing_in import START, begun, signed_in
from tests.application import ApplicationFactory

factories = pytest.importorskip("features.second_factor.tests.factories")


async def test_who_has_no_password_steps_up_at_the_provider_and_sets_a_factor_up(
    make_app: ApplicationFactory, provider: Provider
) -> None:
    async with make_app(**provider.settings, SECOND_FACTOR_REQUIRED="all") as app:
        person = await signed_in(app, provider)
        before = await person.post(f"{factories.V1}/second_factor/totp")
        closed = await person.post(f"{START}/link", json={})
        back = await person.get(provider.visit(await begun(person, "step-up")))
        await factories.set_up_app(person)
        open_ = await person.get(f"{factories.V1}/user/me/")

    assert before.json()["type"] == "urn:problem-type:step-up-required"
    assert closed.json()["type"] == "urn:problem-type:second-factor-missing"
    assert (back.status_code, open_.status_code) == (200, 200)
