"""Where passkeys are used: what can't be meant stops the start, with a sentence."""

import pytest

from features.emails.settings import EmailSettings
from features.second_factor.relying_party import relying_party
from features.second_factor.settings import SecondFactorSettings
from kernel.config import Settings, SettingsError


def read(**values: str) -> Settings:
    settings = Settings(values)
    settings.check([SecondFactorSettings, EmailSettings])
    return settings


@pytest.mark.parametrize(
    ("origin", "said", "domain"),
    [
        ("https://App.Example.com", "https://app.example.com", "app.example.com"),
        ("https://a.example:443", "https://a.example", "a.example"),
        ("http://localhost:3000", "http://localhost:3000", "localhost"),
        # As browsers spell it; Python's own codec makes another name of it.
        ("https://straße.example", "https://xn--strae-oqa.example", "xn--strae-oqa.example"),
    ],
)
def test_the_origin_is_spelt_as_browsers_spell_it(origin: str, said: str, domain: str) -> None:
    party = relying_party(read(PASSKEY_ORIGIN=origin))

    assert (party.origin, party.id) == (said, domain)


@pytest.mark.parametrize(
    "origin",
    [
        "https://a:99999",
        "https://a:b",
        "https://[",
        "https://me@a",
        "https://a?b",
        "https://a#b",
        "https://a/",
        "https://",
    ],
)
def test_what_is_no_origin_is_refused(origin: str) -> None:
    with pytest.raises(SettingsError, match="PASSKEY_ORIGIN"):
        read(PASSKEY_ORIGIN=origin)


@pytest.mark.parametrize(
    "values",
    [
        {"PASSKEY_ORIGIN": "https://a.example", "PASSKEY_RP_ID": "b.example"},
        {"PUBLIC_URL": "https://a.example", "PASSKEY_RP_ID": "b.example"},
        {"PASSKEY_RP_ID": "b.example"},
    ],
)
def test_a_domain_is_that_of_an_origin_that_is_named(values: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="PASSKEY_RP_ID"):
        read(**values)
