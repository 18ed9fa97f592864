"""Which providers people sign in by, and what their sign-in is good for here."""

import json
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, Field, SecretStr, TypeAdapter, ValidationError

from features.sign_in.models import MAX_ISSUER, MAX_PROVIDER, MAX_PROVIDERS, MAX_TITLE
from kernel.config import Environment, SettingsGroup
from kernel.schemas import url_of

RESERVED = {"providers", "identities"}  # that stand in paths where a provider's name does
FIRST = ("issuer", "client_id", "client_secret")


class ProviderValues(BaseModel, frozen=True, extra="forbid"):
    """A provider of OpenID Connect, and what this application is to it."""

    name: Annotated[str, Field(pattern=rf"^[a-z0-9-]{{1,{MAX_PROVIDER}}}$")]
    title: Annotated[str, Field(min_length=1, max_length=MAX_TITLE)]
    # OpenID Connect Discovery 1.0, section 2: without a query and a fragment.
    issuer: Annotated[
        str, Field(max_length=MAX_ISSUER, pattern="^[^?#]+$"), url_of("http", "https")
    ]
    client_id: Annotated[str, Field(min_length=1)]
    client_secret: Annotated[SecretStr, Field(min_length=1)]
    scopes: str = "openid email profile"


class SignInSettings(SettingsGroup):
    """Providers of OpenID Connect; without one there is no sign-in by others."""

    title = "Sign-in by others"
    needs: ClassVar = {
        "sign_in_issuer": ("PUBLIC_URL",),
        "sign_in_more_providers": ("PUBLIC_URL",),
    }

    sign_in_issuer: str | None = Field(
        None, description="the provider's address, exactly as its discovery document says it"
    )
    sign_in_client_id: str | None = None
    sign_in_client_secret: SecretStr | None = None
    sign_in_name: str = Field("sso", description="in paths, and so in the redirect address")
    sign_in_title: str = Field("Single sign-on", description="what buttons call it")
    sign_in_scopes: str = "openid email profile"
    sign_in_more_providers: SecretStr | None = Field(
        None, description="a JSON list of name, title, issuer, client_id, client_secret, scopes"
    )
    sign_in_is_enough: bool = Field(
        False, description="true: no further step of ours is asked after the provider's sign-in"
    )
    sign_in_link_by_email: bool = Field(
        False,
        description="true: an account whose address was confirmed by a mailed link is linked to a "
        "sign-in whose provider has verified the same address",
    )
    sign_in_timeout: float = Field(5, gt=0, le=30, description="seconds for a call of a provider")
    sign_in_limit: int = Field(
        100, ge=1, le=10_000, description="sign-ins begun, and come back, per address"
    )
    sign_in_period: int = Field(300, ge=1, le=86_400, description="seconds")

    @cached_property
    def providers(self) -> Mapping[str, ProviderValues]:
        """Every provider by its name. Raises ValueError for values that are malformed."""
        found = [*self._first(), *self._more()]
        return {one.name: one for one in found}

    def _first(self) -> list[ProviderValues]:
        if self.sign_in_issuer is None:
            return []
        names = (*FIRST, "name", "title", "scopes")
        return [ProviderValues(**{name: getattr(self, f"sign_in_{name}") for name in names})]

    def _more(self) -> list[ProviderValues]:
        if self.sign_in_more_providers is None:
            return []
        given: Any = json.loads(self.sign_in_more_providers.get_secret_value())
        return TypeAdapter(list[ProviderValues]).validate_python(given)

    def validation_errors(self, environment: Environment) -> Iterator[str]:
        given = [name for name in FIRST if getattr(self, f"sign_in_{name}") is not None]
        if given and len(given) < len(FIRST):
            lacking = " and ".join(f"SIGN_IN_{one.upper()}" for one in FIRST if one not in given)
            yield f"{lacking} missing beside SIGN_IN_{given[0].upper()}: all three, or none"
            return
        found: list[ProviderValues] = []
        for setting, read in (
            ("SIGN_IN", self._first),
            ("SIGN_IN_MORE_PROVIDERS", self._more),
        ):
            try:
                found += read()
            except ValidationError as invalid:
                error = invalid.errors(include_input=False, include_url=False)[0]
                where = ".".join(map(str, error["loc"]))
                yield f"{setting}: {where}: {error['msg'].removeprefix('Value error, ')}"
            except (ValueError, RecursionError):
                yield f"{setting}: no JSON"
        yield from _unfit(found, environment)


def _unfit(found: list[ProviderValues], environment: Environment) -> Iterator[str]:
    for what in ("name", "issuer"):
        values = [getattr(one, what) for one in found]
        if len(set(values)) < len(values):
            yield f"SIGN_IN_MORE_PROVIDERS: two providers have one {what}"
    if len(found) > MAX_PROVIDERS:
        yield f"SIGN_IN_MORE_PROVIDERS: at most {MAX_PROVIDERS} providers"
    for one in found:
        if one.name in RESERVED:
            yield f"a provider's name in SIGN_IN settings can't be {one.name}: a path has that word"
        if environment != "local" and not one.issuer.startswith("https://"):
            yield f"the issuer of {one.name} in SIGN_IN settings must begin with https"
        if "openid" not in one.scopes.split():
            yield f"the scopes of {one.name} in SIGN_IN settings must have openid"
