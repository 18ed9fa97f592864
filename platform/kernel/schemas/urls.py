"""Text that is a URL: in requests, in the documentation and in tables."""

import re
from typing import Annotated, Any

from pydantic import (
    AnyUrl,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    TypeAdapter,
    UrlConstraints,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core.core_schema import CoreSchema, no_info_after_validator_function

MAX_URL = 2048  # bytes
UNFIT_FOR_URL = re.compile(r'[\x00-\x20"\\\x7f]')


class UrlText:
    """What `url_of` says of a type."""

    max_length = MAX_URL  # of its column: characters have a byte at least

    def __init__(self, *schemes: str) -> None:
        constraints = UrlConstraints(allowed_schemes=list(schemes), host_required=True)
        self._parser: TypeAdapter[Any] = TypeAdapter(Annotated[AnyUrl, constraints])
        allowed = ", ".join(schemes)
        self._told = f"A URL ({allowed}): at most {MAX_URL:,} bytes, no spaces or quotes."

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        bound = {"format": "uri", "maxLength": MAX_URL, "description": self._told}
        return bound | handler(schema)

    def _check(self, text: str) -> str:
        if len(text.encode()) > MAX_URL:
            raise ValueError(f"must be at most {MAX_URL} bytes of UTF-8")
        self._parser.validate_python(text)
        if UNFIT_FOR_URL.search(text):
            raise ValueError("must not contain spaces, quotes, backslashes or control characters")
        return text


def url_of(*schemes: str) -> UrlText:
    """Refuse text that is no URL of these schemes with a host, that is longer than MAX_URL bytes of
    UTF-8, or has what a URL must encode: spaces, quotes, backslashes, control characters.

    The text stays as it was written, and JSON escapes none of it. The column of a table that has
    such a type is held to the same by the database.
    """
    return UrlText(*schemes)
