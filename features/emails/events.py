"""What a mail's link has proved."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AddressConfirmed:
    """A user has used a link that was mailed to the account's address."""

    user_id: int
