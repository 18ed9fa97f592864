"""A provider of OpenID Connect, on a port of its own: it signs what it says, and lies when told."""

import threading
import time
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from secrets import token_urlsafe
from socket import create_server
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode

import uvicorn
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core.util import create_half_hash
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from features.sign_in.provider import provider_of

CLIENT, SECRET = "our client", "a secret+with %signs"
Answer = Callable[[], Response]
Claims = dict[str, Any]


@dataclass
class Grant:
    """What a code is good for."""

    nonce: str
    challenge: str
    redirect_uri: str
    person: Claims
    max_age: bool


@dataclass
class Lies:
    """How it deviates from what a provider does."""

    claims: Claims = field(default_factory=dict)
    """In the ID token; None takes one away."""
    header: dict[str, Any] = field(default_factory=dict)
    sign: Callable[[Claims], str] | None = None
    answers: dict[str, Answer] = field(default_factory=dict)
    """By path, in place of its own."""
    metadata: dict[str, Any] = field(default_factory=dict)
    back: dict[str, str] = field(default_factory=dict)
    """In the address that the browser is sent back to; an empty text takes one away."""
    userinfo: Claims = field(default_factory=dict)
    delay: dict[str, float] = field(default_factory=dict)
    """Seconds, by path."""


class Provider:
    """Its person is signed in there; `visit` is what the browser does."""

    def __init__(self) -> None:
        self.issuer = ""
        self.algorithm, self.key = "RS256", _RSA
        self.reset()

    def reset(self) -> None:
        """Tell the truth again, and let applications ask anew."""
        self.lies, self.grants = Lies(), dict[str, Grant]()
        self.seen: list[str] = []
        self.person: Claims = {
            "sub": "248289761001",
            "name": "Grace Hopper",
            "preferred_username": "Grace.H",
            "email": "grace@example.org",
            "email_verified": True,
        }
        self.in_id_token = True
        self.has_kid = True
        self.key = _RSA
        provider_of.cache_clear()

    @property
    def settings(self) -> dict[str, str]:
        """Of an application that trusts it."""
        return {
            "PUBLIC_URL": "https://test",
            "SIGN_IN_ISSUER": self.issuer,
            "SIGN_IN_CLIENT_ID": CLIENT,
            "SIGN_IN_CLIENT_SECRET": SECRET,
            "SIGN_IN_TIMEOUT": "1",
        }

    def visit(self, url: str) -> str:
        """Where the browser is sent back to: path and query."""
        asked = {name: values[0] for name, values in parse_qs(url.partition("?")[2]).items()}
        assert url.startswith(f"{self.issuer}/authorize?"), url
        assert asked["code_challenge_method"] == "S256"
        assert asked["response_type"] == "code"
        assert asked["client_id"] == CLIENT
        code = token_urlsafe(16)
        self.grants[code] = Grant(
            asked["nonce"],
            asked["code_challenge"],
            asked["redirect_uri"],
            self.person,
            "max_age" in asked,
        )
        back = {"code": code, "state": asked["state"], "iss": self.issuer, **self.lies.back}
        query = urlencode({name: value for name, value in back.items() if value})
        return f"{asked['redirect_uri'].removeprefix('https://test')}?{query}"

    def discovery(self) -> Claims:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "authorization_response_iss_parameter_supported": True,
            **self.lies.metadata,
        }

    def keys(self) -> Claims:
        shown = self.key.as_dict(private=False)
        if not self.has_kid:
            shown.pop("kid", None)
        # What a provider may have besides, and what isn't for signing.
        unknown = {"kty": "EC", "crv": "P-999", "x": "AA", "y": "AA", "kid": "unknown"}
        return {"keys": [unknown, shown | {"use": "enc", "kid": "other"}, shown]}

    def token(self, form: Claims, authorization: str) -> Response:
        name, _, secret = b64decode(authorization.removeprefix("Basic ")).decode().partition(":")
        if (unquote(name), unquote(secret)) != (CLIENT, SECRET):
            return JSONResponse({"error": "invalid_client"}, 401)
        grant = self.grants.pop(form["code"], None)
        good = grant is not None and (grant.challenge, grant.redirect_uri) == (
            create_s256_code_challenge(form["code_verifier"]),
            form["redirect_uri"],
        )
        if grant is None or not good:
            return JSONResponse({"error": "invalid_grant"}, 400)
        access_token = token_urlsafe(16)
        said = {"access_token": access_token, "token_type": "Bearer", "expires_in": 60}
        return JSONResponse(said | {"id_token": self.id_token(grant, access_token)})

    def id_token(self, grant: Grant, access_token: str) -> str:
        moment = int(time.time())
        person = grant.person if self.in_id_token else {"sub": grant.person["sub"]}
        claims = {
            **person,
            "iss": self.issuer,
            "aud": CLIENT,
            "nonce": grant.nonce,
            "iat": moment,
            "exp": moment + 60,
            "at_hash": create_half_hash(access_token, self.algorithm).decode(),
            **({"auth_time": moment} if grant.max_age else {}),
            **self.lies.claims,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        if self.lies.sign is not None:
            return self.lies.sign(claims)
        header = {"alg": self.algorithm, **({"kid": self.key.kid} if self.has_kid else {})}
        return jwt.encode(header | self.lies.header, claims, self.key)

    async def answer(self, request: Request) -> Response:
        """Answer in a thread's loop of its own."""
        path = request.url.path
        self.seen.append(path)
        time.sleep(self.lies.delay.get(path, 0))  # noqa: ASYNC251 - nothing else is served meanwhile
        if path in self.lies.answers:
            return self.lies.answers[path]()
        if path == "/token":
            form = {name: str(value) for name, value in (await request.form()).items()}
            return self.token(form, request.headers["Authorization"])
        if path == "/userinfo":
            return JSONResponse(self.person | self.lies.userinfo)
        return JSONResponse(self.keys() if path == "/keys" else self.discovery())


def rsa_key(kid: str) -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": kid})


def ec_key(kid: str) -> ECKey:
    return ECKey.generate_key("P-256", {"kid": kid})


_RSA = rsa_key("first")


@contextmanager
def provider_serving() -> Iterator[Provider]:
    """A provider for the length of a block."""
    provider = Provider()
    paths = ("/.well-known/openid-configuration", "/keys", "/token", "/userinfo")
    app = Starlette(
        routes=[Route(path, provider.answer, methods=["GET", "POST"]) for path in paths]
    )
    listener = create_server(("127.0.0.1", 0))
    provider.issuer = f"http://127.0.0.1:{listener.getsockname()[1]}"
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", loop="asyncio"))
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.should_exit = True
        thread.join()
        listener.close()
