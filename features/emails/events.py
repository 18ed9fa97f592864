"""What a mail's link, or another's word, has proved."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AddressConfirmed:
    """The account's address is the user's: a link that was mailed to it was used, or a provider of
    the user's sign-in has verified it."""

    user_id: int
