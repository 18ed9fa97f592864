"""Chromium, for tests that need a browser: Debian's, driven by playwright; and what it looks at."""

import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.served import serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CHROMIUM = shutil.which("chromium")
needs_chromium = pytest.mark.skipif(
    CHROMIUM is None, reason="needs chromium on PATH: apt-get install chromium"
)


@pytest.fixture(scope="module")
def address(
    setting_values: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Where a browser finds the application, which a process of its own serves."""
    with serving(tmp_path_factory.mktemp("api"), setting_values, "kernel.main:app") as server:
        yield f"http://127.0.0.1:{server.address[1]}"


@pytest.fixture(scope="module")
def chromium() -> "Iterator[Browser]":
    """One browser for all tests of a module; each page or context of it has its own cookies."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()
