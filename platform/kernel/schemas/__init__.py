"""What requests and answers are made of."""

from kernel.schemas.schemas import (
    MAX_PERMISSION,
    MAX_ROW_ID,
    Base64,
    CleanText,
    EmailAddress,
    InputSchema,
    JsonNumber,
    Message,
    NoNul,
    PathId,
    ReadSchema,
    RowId,
    clean,
    example,
)
from kernel.schemas.urls import url_of

__all__ = ["MAX_PERMISSION", "MAX_ROW_ID", "Base64", "CleanText", "EmailAddress", "InputSchema"]
__all__ += ["JsonNumber", "Message", "NoNul", "PathId", "ReadSchema", "RowId", "clean", "example"]
__all__ += ["url_of"]
