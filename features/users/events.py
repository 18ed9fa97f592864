"""What happens to accounts, for features that must follow, in the same transaction."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class UserRegistered:
    """An account was made; the answer is built after every handler."""

    user_id: int


@dataclass(frozen=True, slots=True)
class UserChanged:
    """Columns of a user have new values."""

    user_id: int
    columns: frozenset[str]


@dataclass(frozen=True, slots=True)
class PasswordChanged:
    """A user has a new password; `by_session` is the user's own session that set it, if any."""

    user_id: int
    by_session: int | None


@dataclass(frozen=True, slots=True)
class UserDeleted:
    """A user is gone: softly, or for good, with all that belonged to it."""

    user_id: int
    for_good: bool
