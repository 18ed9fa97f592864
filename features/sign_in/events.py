"""What happens to an account's sign-ins, for features that must follow, in the same transaction."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SignInLinked:
    """An account that was there already may be signed in to by one at a provider, too."""

    user_id: int
    issuer: str


@dataclass(frozen=True, slots=True)
class SignInUnlinked:
    """It may be no more; `issuer` is None when a superuser has unlinked all of an account."""

    user_id: int
    issuer: str | None
