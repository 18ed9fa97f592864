"""Where links that confirm lead: what can't be meant stops the start, with a sentence."""

import pytest

from features.verification.settings import VerificationSettings
from kernel.config import Settings, SettingsError


def check(page: str, environment: str = "local") -> None:
    values = {"EMAIL_CONFIRMATION_PAGE": page, "ENVIRONMENT": environment}
    Settings(values).check([VerificationSettings])


@pytest.mark.parametrize(
    "page",
    ["/a/page?x=1", "https://app.example/a", "https://app.example", "http://localhost:3000/"],
)
def test_a_path_or_an_address_is_taken(page: str) -> None:
    check(page)


@pytest.mark.parametrize(
    "page",
    [
        "a",
        "https://",
        "https:///a",
        "https://a.example/#/a",
        "/#a",
        "https://a b",
        "ftp://a.example",
        "https://me@a.example/",
    ],
)
def test_what_no_link_can_lead_to_is_refused(page: str) -> None:
    with pytest.raises(SettingsError, match="EMAIL_CONFIRMATION_PAGE"):
        check(page)


def test_a_link_is_not_sent_over_http_where_others_listen() -> None:
    with pytest.raises(SettingsError, match="EMAIL_CONFIRMATION_PAGE must begin with / or https"):
        check("http://app.example/a", "production")
    check("/a", "production")
