"""What requests and answers are made of."""

from kernel.schemas.schemas import (
    MAX_ROW_ID,
    CleanText,
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
