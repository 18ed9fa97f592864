"""Fixtures of a provider that signs, and of an application whose people sign in by it."""

from collections.abc import Iterator

import pytest

from features.sign_in.tests.provider import Provider, provider_serving


@pytest.fixture(scope="module")
def provider_server() -> Iterator[Provider]:
    """One provider for all tests of a module, named by the settings of their application."""
    with provider_serving() as provider:
        yield provider


@pytest.fixture
def provider(provider_server: Provider) -> Provider:
    """The same, which lies no more, whatever the test before made it say."""
    provider_server.reset()
    return provider_server
