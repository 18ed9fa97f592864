"""What requests and answers are made of: strict input shapes, read shapes, row ids, clean text."""

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Path
from pydantic import (
    AfterValidator,
    AnyUrl,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    TypeAdapter,
    UrlConstraints,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

MAX_ROW_ID = 2**31 - 1  # PostgreSQL's integer
MAX_DEPTH = 20


def clean(text: str) -> str:
    """Refuse what PostgreSQL or UTF-8 can't hold: NUL characters and lone surrogates."""
    if "\x00" in text:
        raise ValueError("must not contain NUL characters")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ValueError("must be valid Unicode, without lone surrogates") from None
    return text


def _clean_deep(value: Any, depth: int = 0) -> None:
    if depth > MAX_DEPTH:
        raise ValueError("is nested too deeply")
    if isinstance(value, str):
        clean(value)
    elif isinstance(value, dict):
        for key, item in value.items():
            _clean_deep(key, depth + 1)
            _clean_deep(item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            _clean_deep(item, depth + 1)


class NoNul:
    """Says in the documentation what `clean` refuses: text with NUL characters."""

    def __get_pydantic_json_schema__(
        self, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        schema = handler(core_schema)
        schema.setdefault("pattern", r"^[^\u0000]*$")
        return schema


def _number(value: Any) -> Any:
    if isinstance(value, str | bool):
        raise ValueError("must be a number")  # noqa: TRY004 - pydantic lets a TypeError out
    return value


CleanText = Annotated[str, AfterValidator(clean), NoNul()]
# Of a number in a JSON body: 5 and 5.0, which are the same in JSON, but not "5" or true.
# It stands behind the bounds: Annotated[int, Field(ge=1), JsonNumber].
JsonNumber = BeforeValidator(_number)
RowId = Annotated[int, Field(ge=1, le=MAX_ROW_ID)]
PathId = Annotated[int, Path(ge=1, le=MAX_ROW_ID)]


def url_of(*schemes: str) -> AfterValidator:
    """Refuse text that is no URL of these schemes with a host; the text stays as it was written."""
    adapter: TypeAdapter[Any] = TypeAdapter(
        Annotated[AnyUrl, UrlConstraints(allowed_schemes=list(schemes), host_required=True)]
    )

    def check(text: str) -> str:
        adapter.validate_python(text)
        return text

    return AfterValidator(check)


class InputSchema(BaseModel):
    """Base of every request body: unknown fields are refused, so is text that can't be stored.

    It stands before a SQLModel that gives the fields: `class PostCreate(InputSchema, PostBase)`.
    """

    model_config = ConfigDict(extra="forbid")

    if not TYPE_CHECKING:
        # SQLModel's own, which a table needs, costs a validation several calls of Python.
        __init__ = BaseModel.__init__

    @model_validator(mode="before")
    @classmethod
    def refuse_unclean_text(cls, data: Any) -> Any:
        _clean_deep(data)
        return data


def example(**values: Any) -> Any:
    """An input shape's `model_config`: what a client might send, shown in the documentation.

    The access table sends it, too, so it must be one that works.
    """
    return ConfigDict(json_schema_extra={"examples": [values]})


class ReadSchema(BaseModel):
    """Base of every answer. Plain pydantic: SQLModel's validation costs five times as much.

    A field with a default is always sent, so the document says that it is there."""

    model_config = ConfigDict(
        from_attributes=True, json_schema_serialization_defaults_required=True
    )


class Message(ReadSchema):
    """An answer that only says what was done."""

    message: str
