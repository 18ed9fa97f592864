"""Fixtures of a site whose rows have long values, for several files."""

from collections.abc import AsyncIterator, Mapping

import pytest

from kernel.app import Application
from kernel.resources import Resources
from tests.accounts import Person
from tests.admin_site import Browser
from tests.application import client_of


@pytest.fixture(scope="module")
async def scrolls(setting_values: Mapping[str, str]) -> AsyncIterator[Application]:
    """An application with views of long values."""
    # Here, since pytest reads this file for every run, also of other features' tests.
    from features.admin.tests.scrolls import serving_scrolls

    async with serving_scrolls(setting_values) as app:
        yield app


@pytest.fixture
async def scroll_site(scrolls: Application, superuser: Person) -> AsyncIterator[Browser]:
    """A browser in which a superuser is signed in there."""
    async with client_of(scrolls, Browser) as browser:
        await browser.sign_in(superuser)
        yield browser


@pytest.fixture
def scroll_rows(scrolls: Application) -> Resources:
    """Where the rows of these views are stored."""
    rows: Resources = scrolls.state.resources
    return rows
