"""Fixtures of the admin site on a server of its own, for drills that open it in a browser."""

from collections.abc import Iterator

import pytest

from infra.drills.browsing import Site, execute
from tests.served import serving

GRANT = """UPDATE "user" SET is_superuser = true WHERE username = 'root1'"""


@pytest.fixture(scope="module")
def address(
    setting_values: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("admin")
    with serving(folder, setting_values, "kernel.main:app") as server:
        yield f"http://127.0.0.1:{server.address[1]}"


@pytest.fixture
def site(address: str, setting_values: dict[str, str]) -> Site:
    """The site on an empty database, with a superuser."""
    site = Site(address)
    site.register("root1")
    # Of an account that has never logged in, so that nothing is kept of its role.
    execute(setting_values["DATABASE_URL"], GRANT)
    return site
