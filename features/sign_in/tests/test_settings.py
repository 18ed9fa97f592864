"""Settings that can't be meant stop the start, with a sentence and without the secret."""

import pytest

from features.emails.settings import EmailSettings
from features.sign_in.settings import SignInSettings
from kernel.config import Settings, SettingsError

GOOD = {
    "PUBLIC_URL": "https://api.example",
    "SIGN_IN_ISSUER": "https://accounts.example",
    "SIGN_IN_CLIENT_ID": "id",
    "SIGN_IN_CLIENT_SECRET": "a-secret-of-ours",
    "SECRET_KEY": "x",
}
B = "https://b.example"
MORE = (
    '{"name": "%s", "title": "More", "issuer": "%s", "client_id": "c", "client_secret": "a-secret"}'
)


def problems(**values: str) -> str:
    """What a start says."""
    with pytest.raises(SettingsError) as stopped:
        given = {name: value for name, value in {**GOOD, **values}.items() if value}
        Settings(given).check([SignInSettings, EmailSettings])
    assert "a-secret" not in str(stopped.value)
    return str(stopped.value)


def test_good_ones_name_every_provider() -> None:
    more = f"[{MORE % ('google', 'https://accounts.google.com')}]"
    settings = Settings({**GOOD, "SIGN_IN_MORE_PROVIDERS": more})
    settings.check([SignInSettings, EmailSettings])

    assert list(settings.group(SignInSettings).providers) == ["sso", "google"]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"SIGN_IN_CLIENT_ID": ""}, "SIGN_IN_CLIENT_ID missing beside SIGN_IN_ISSUER"),
        (
            {"SIGN_IN_ISSUER": "", "SIGN_IN_CLIENT_ID": ""},
            "SIGN_IN_ISSUER and SIGN_IN_CLIENT_ID missing beside SIGN_IN_CLIENT_SECRET",
        ),
        ({"PUBLIC_URL": ""}, "SIGN_IN_ISSUER needs PUBLIC_URL, which is missing"),
        ({"SIGN_IN_ISSUER": "accounts.example"}, "SIGN_IN: issuer: "),
        ({"SIGN_IN_ISSUER": "https://accounts.example/?tenant=a"}, "SIGN_IN: issuer: "),
        ({"SIGN_IN_ISSUER": "https://accounts.example#a"}, "SIGN_IN: issuer: "),
        ({"PUBLIC_URL": "https://api.example?a"}, "PUBLIC_URL: "),
        ({"PUBLIC_URL": "https://me:secret@api.example"}, "PUBLIC_URL: "),
        ({"SIGN_IN_NAME": "A b"}, "SIGN_IN: name: "),
        ({"SIGN_IN_NAME": "providers"}, "can't be providers"),
        ({"SIGN_IN_SCOPES": "email"}, "must have openid"),
        ({"SIGN_IN_MORE_PROVIDERS": "{"}, "SIGN_IN_MORE_PROVIDERS: no JSON"),
        ({"SIGN_IN_MORE_PROVIDERS": "[" * 100_000}, "SIGN_IN_MORE_PROVIDERS: no JSON"),
        (
            {
                "SIGN_IN_MORE_PROVIDERS": f"[{MORE % ('b', 'https://b.example')}]".replace(
                    "a-secret", ""
                )
            },
            "0.client_secret: Value should have at least 1",
        ),
        ({"SIGN_IN_MORE_PROVIDERS": '[{"client_secret": "a-secret"}]'}, "0.name: Field required"),
        ({"SIGN_IN_MORE_PROVIDERS": f"[{MORE % ('sso', B)}]"}, "have one name"),
        (
            {"SIGN_IN_MORE_PROVIDERS": f"[{MORE % ('b', 'https://accounts.example')}]"},
            "have one issuer",
        ),
        (
            {"ENVIRONMENT": "production", "SIGN_IN_ISSUER": "http://accounts.example"},
            "the issuer of sso in SIGN_IN settings must begin with https",
        ),
        (
            {"ENVIRONMENT": "production", "PUBLIC_URL": "http://api.example"},
            "PUBLIC_URL must begin with https",
        ),
    ],
)
def test_a_start_says_what_is_wrong(values: dict[str, str], said: str) -> None:
    assert said in problems(**values)
