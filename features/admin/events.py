"""What is done on the admin site, for features that must follow, in the same transaction."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class RowChanged:
    """A superuser has written a row on the admin site.

    `columns` holds the old and the new value of each column that differs; None stands where there
    was no row, and in place of a secret's values.
    """

    table: str
    row_id: str
    act: str
    """create, update, delete, or the name of the view's action, such as restore."""
    columns: Mapping[str, tuple[Any, Any]]
    by: int
    """The superuser's id. The request's id is kernel.context's `request_id_var`."""
