"""Where links in mails lead, by any feature's settings: what can't be meant stops the start, with a
sentence."""

import pytest

from kernel.config import Settings, SettingsError, SettingsGroup
from kernel.settings import feature_settings

Setting = tuple[type[SettingsGroup], str]
PAGES = [
    (group, field.upper())
    for group in feature_settings()
    for field in group.model_fields
    if field.endswith("_page")
]


@pytest.fixture(params=PAGES, ids=[name for _, name in PAGES])
def setting(request: pytest.FixtureRequest) -> Setting:
    """The settings group, and the name of its setting."""
    found: Setting = request.param
    return found


def check(setting: Setting, page: str, environment: str = "local") -> None:
    group, name = setting
    Settings({name: page, "ENVIRONMENT": environment}).check([group])


@pytest.mark.parametrize(
    "page",
    ["/a/page?x=1", "https://app.example/a", "https://app.example", "http://localhost:3000/"],
)
def test_a_path_or_an_address_is_taken(setting: Setting, page: str) -> None:
    check(setting, page)


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
def test_what_no_link_can_lead_to_is_refused(setting: Setting, page: str) -> None:
    with pytest.raises(SettingsError, match=setting[1]):
        check(setting, page)


def test_a_link_is_not_sent_over_http_where_others_listen(setting: Setting) -> None:
    with pytest.raises(SettingsError, match=f"{setting[1]} must begin with / or https"):
        check(setting, "http://app.example/a", "production")
    check(setting, "/a", "production")
