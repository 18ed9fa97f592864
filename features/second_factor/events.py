"""What happens to an account's factors, for features that must follow, in the same transaction."""

from dataclasses import dataclass
from typing import Literal

Factor = Literal["authenticator app", "passkey"]


@dataclass(frozen=True, slots=True)
class FactorAdded:
    """A user has set a factor up."""

    user_id: int
    factor: Factor


@dataclass(frozen=True, slots=True)
class FactorRemoved:
    """A factor is gone; `factor` is None when a superuser has taken all of them away."""

    user_id: int
    factor: Factor | None
