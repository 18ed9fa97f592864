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
    url_of,
)
