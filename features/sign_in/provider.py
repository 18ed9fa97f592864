"""A provider of OpenID Connect: where it sends browsers, and what it says of a person."""

import asyncio
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from authlib.integrations.httpx_client import AsyncOAuth2Client, OAuthError

from features.sign_in.id_tokens import (
    BadToken,
    Key,
    UnknownKey,
    algorithms_of,
    keys_of,
    verified,
)
from features.sign_in.models import MAX_SUBJECT
from features.sign_in.settings import ProviderValues
from features.sign_in.transport import ProviderAway, bounded, get_json, within

FRESH = 3600.0  # seconds that a discovery document and keys are kept
REST = 5.0  # seconds that a provider isn't asked again after it couldn't be reached
DISCOVERY = "/.well-known/openid-configuration"  # OpenID Connect Discovery 1.0, section 4
ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")
SUBJECT = re.compile(rf"[ -~]{{1,{MAX_SUBJECT}}}")  # OpenID Connect Core 1.0, section 2
OURS = frozenset({"invalid_client", "unauthorized_client", "unsupported_grant_type"})

Claims = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Request:
    """What a sign-in was begun with, and must be ended with."""

    state: str
    nonce: str
    verifier: str
    redirect_uri: str
    anew: bool = False
    """Whether the person must show who it is, even if the provider knows."""


class Provider:
    """One provider; what it says of itself is asked once an hour."""

    def __init__(self, values: ProviderValues, timeout: float) -> None:
        self.values, self._timeout = values, timeout
        self._metadata: Mapping[str, Any] = {}
        self._keys: list[Key] = []
        self._asked_at = self._failed_at = float("-inf")
        self._asking = asyncio.Lock()

    async def url(self, request: Request) -> str:
        """Where the browser is sent. Raises ProviderAway."""
        metadata = await self._known()
        options = {"prompt": "login", "max_age": "0"} if request.anew else {}
        async with self._client(request) as client:
            url, _ = client.create_authorization_url(
                metadata["authorization_endpoint"],
                state=request.state,
                nonce=request.nonce,
                code_verifier=request.verifier,
                **options,
            )
        return str(url)

    async def claims(self, request: Request, code: str, *, with_profile: bool) -> Claims:
        """What the provider says of the person who came back with the code; with the e-mail
        address, where the ID token has none and the provider tells it otherwise.

        Raises ProviderAway, and BadToken for a code or an answer that isn't good.
        """
        metadata = await self._known()
        async with within(self._timeout):
            token = await self._redeemed(request, code)
            claims = await self._verified(token, request)
            if not SUBJECT.fullmatch(claims["sub"]):
                raise BadToken("subject")
            endpoint = metadata.get("userinfo_endpoint")
            if with_profile and "email" not in claims and _is_url(endpoint, self.values.issuer):
                said = await get_json(str(endpoint), token["access_token"])
                # OpenID Connect Core 1.0, section 5.3.2: it may be another person's.
                if said.get("sub") != claims["sub"]:
                    raise BadToken("userinfo of another subject")
                return {**said, **claims}
        return claims

    async def names_itself(self) -> bool:
        """Whether it always says who it is when it sends a browser back (RFC 9207)."""
        metadata = await self._known()
        return metadata.get("authorization_response_iss_parameter_supported") is True

    async def _verified(self, token: Mapping[str, Any], request: Request) -> Claims:
        given, access_token = token.get("id_token"), token.get("access_token")
        if not isinstance(given, str) or not isinstance(access_token, str):
            raise BadToken("no ID token")
        expected: Any = {
            "issuer": self.values.issuer,
            "client_id": self.values.client_id,
            "nonce": request.nonce,
            "access_token": access_token,
        }
        algorithms = algorithms_of(self._metadata)
        try:
            return dict(verified(given, self._keys, algorithms, **expected))
        except UnknownKey:
            await self._fetch_keys()
        return dict(verified(given, self._keys, algorithms, **expected))

    async def _redeemed(self, request: Request, code: str) -> Mapping[str, Any]:
        known = self._metadata.get("token_endpoint_auth_methods_supported")
        by_form = isinstance(known, list) and "client_secret_post" in known
        method = "client_secret_post" if by_form else "client_secret_basic"
        async with self._client(request, method, str if by_form else _quoted) as client:
            try:
                token: Mapping[str, Any] = await client.fetch_token(
                    self._metadata["token_endpoint"],
                    grant_type="authorization_code",
                    code=code,
                    code_verifier=request.verifier,
                )
            except OAuthError as error:
                if str(error.error) in OURS:
                    raise ProviderAway(f"it answered {error.error}") from error
                raise BadToken("the provider refuses the code") from error
            except (ValueError, TypeError, ArithmeticError, RecursionError) as error:
                raise ProviderAway("it answered no token") from error
        return dict(token)

    async def _known(self) -> Mapping[str, Any]:
        async with self._asking:
            moment = time.monotonic()
            if self._asked_at + FRESH > moment:
                return self._metadata
            if self._failed_at + REST < moment:
                try:
                    async with within(self._timeout):
                        await self._discover()
                    self._asked_at = time.monotonic()
                except ProviderAway:
                    self._failed_at = time.monotonic()
                    if not self._metadata:
                        raise
            if not self._metadata:
                raise ProviderAway("it was away a moment ago")
            return self._metadata

    async def _discover(self) -> None:
        issuer = self.values.issuer
        metadata = await get_json(issuer.rstrip("/") + DISCOVERY)
        if metadata.get("issuer") != issuer:
            raise ProviderAway("its discovery document names another issuer")
        if not all(_is_url(metadata.get(name), issuer) for name in ENDPOINTS):
            raise ProviderAway("its discovery document lacks an endpoint")
        self._keys = keys_of(await get_json(metadata["jwks_uri"]))
        self._metadata = metadata

    async def _fetch_keys(self) -> None:
        self._keys = keys_of(await get_json(self._metadata["jwks_uri"]))

    def _client(
        self, request: Request, method: str = "none", encode: Callable[[str], str] = str
    ) -> Any:
        return AsyncOAuth2Client(
            encode(self.values.client_id),
            encode(self.values.client_secret.get_secret_value()),
            token_endpoint_auth_method=method,
            scope=self.values.scopes,
            redirect_uri=request.redirect_uri,
            code_challenge_method="S256",  # else authlib sends no challenge, whatever it is given
            transport=bounded(),
            timeout=None,  # `within` has one for all
        )


def _is_url(given: object, issuer: str) -> bool:
    """Whether it is an address as safe as the issuer's."""
    schemes = ("https://",) if issuer.startswith("https://") else ("https://", "http://")
    return isinstance(given, str) and given.startswith(schemes)


def _quoted(text: str) -> str:
    # RFC 6749, section 2.3.1, which authlib leaves to its callers.
    return quote(text, safe="")


@lru_cache(maxsize=32)
def provider_of(values: ProviderValues, timeout: float) -> Provider:
    """The process's one provider of these settings."""
    return Provider(values, timeout)
