"""What happens to sessions, for features that must follow, in the same transaction."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SessionOpened:
    """A user has logged in; a handler that raises undoes the login.

    `known_device`: the browser has a cookie of an earlier login of this user.
    """

    user_id: int
    session_id: int
    device: str
    address: str
    known_device: bool
