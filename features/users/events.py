"""What happens to accounts, for features that must follow, in the same transaction."""

from dataclasses import dataclass

from features.users.models import UserCreateInternal, UserRead


@dataclass(slots=True)
class Registering:
    """Somebody wants an account. A handler that makes it later sets the answer."""

    user: UserCreateInternal
    answer: UserRead | None = None


@dataclass(slots=True)
class EmailChanging:
    """A user gets another address; `own`: by that user's wish, no superuser's. A handler that has
    the new one confirmed first sets `waits`."""

    user_id: int
    old: str
    new: str
    own: bool
    waits: bool = False


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
