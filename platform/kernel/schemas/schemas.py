"""What requests and answers are made of: strict input shapes, read shapes, row ids, clean text."""

from base64 import b64decode, urlsafe_b64encode
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any, get_args

from fastapi import Path
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    EmailStr,
    Field,
    GetJsonSchemaHandler,
    JsonValue,
    PlainSerializer,
    SecretBytes,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError

from kernel.schemas.moments import moments_of, without_numbers

MAX_ROW_ID = 2**31 - 1  # PostgreSQL's integer
MAX_DEPTH = 20
MAX_PERMISSION = 40  # characters of a permission's name
OTHER_ALPHABET = str.maketrans("-_", "+/")
MAX_ERRORS = 20  # in one answer; the rest would tell nothing new
Place = tuple[str | int, ...]


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


def clean_deep(value: JsonValue, place: Place = ()) -> Iterator[tuple[Place, str]]:
    """What `clean` refuses within a value, and where; what is nested too deeply, too."""
    if len(place) > MAX_DEPTH:
        yield place, "is nested too deeply"
    elif isinstance(value, str):
        try:
            clean(value)
        except ValueError as error:
            yield place, str(error)
    elif isinstance(value, dict):
        deeper = len(place) < MAX_DEPTH
        for key, item in value.items():
            for part, at in ((key, "[key]"), (item, key)):
                plain = deeper and isinstance(part, str) and part.isascii() and "\x00" not in part
                if not plain:  # else there is nothing to say, and most are
                    yield from clean_deep(part, (*place, at))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from clean_deep(item, (*place, number))


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


def _bytes(value: Any) -> Any:
    """What base64 means, in either of its alphabets."""
    if not isinstance(value, str):
        return value
    try:
        return b64decode(value.translate(OTHER_ALPHABET), validate=True)
    except ValueError:
        raise ValueError("must be base64") from None


def _without_name(value: Any) -> Any:
    """Refuse `Ada <ada@example.com>`, of which pydantic keeps the address without a word."""
    if isinstance(value, str) and not {"<", ">"}.isdisjoint(value):
        raise ValueError("must be an address alone, without a name")
    return value


# Bytes in JSON and in addresses; pydantic's own Base64Bytes are base64 again once they are dumped.
Base64 = Annotated[
    bytes,
    BeforeValidator(_bytes, json_schema_input_type=str),
    PlainSerializer(lambda value: urlsafe_b64encode(value).decode(), str, when_used="json"),
]
EmailAddress = Annotated[EmailStr, BeforeValidator(_without_name)]
CleanText = Annotated[str, AfterValidator(clean), NoNul()]
# Of a number in a JSON body: 5 and 5.0, which are the same in JSON, but not "5" or true.
# It stands behind the bounds: Annotated[int, Field(ge=1), JsonNumber].
JsonNumber = BeforeValidator(_number)
RowId = Annotated[int, Field(ge=1, le=MAX_ROW_ID)]
PathId = Annotated[int, Path(ge=1, le=MAX_ROW_ID)]


def is_secret(annotation: Any) -> bool:
    """Whether that is the type of a secret: SecretStr, one that may be None, a list of them."""
    return annotation in (SecretStr, SecretBytes) or any(map(is_secret, get_args(annotation)))


class InputSchema(BaseModel):
    """Base of every request body: unknown fields are refused, so is text that can't be stored, and
    a number where a date or a moment is meant.

    It stands before a SQLModel that gives the fields: `class PostCreate(InputSchema, PostBase)`.
    """

    model_config = ConfigDict(extra="forbid")

    if not TYPE_CHECKING:
        # SQLModel's own, which tables and older versions of pydantic need, cost more.
        __init__, model_dump = BaseModel.__init__, BaseModel.model_dump

    @model_validator(mode="before")
    @classmethod
    def refuse_unclean_text(cls, data: Any) -> Any:
        unclean: list[tuple[Place, Any]] = list(islice(clean_deep(data), MAX_ERRORS))
        if unclean:
            errors = [
                {"type": PydanticCustomError("value_error", told), "loc": place, "input": None}
                for place, told in unclean
            ]
            raise ValidationError.from_exception_data(cls.__name__, errors)  # type: ignore[arg-type]
        return without_numbers(cls, data) if moments_of(cls) else data


def example(**values: Any) -> Any:
    """An input shape's `model_config`: what a client might send, shown in the documentation.

    The access table sends it, too, so it must be one that works.
    """
    return ConfigDict(json_schema_extra={"examples": [values]})


class ReadSchema(BaseModel):
    """Base of every answer. Plain pydantic: SQLModel's validation costs five times as much.

    Bytes are shown in base64, as `Base64` takes them in. A field with a default is always sent, so
    the document says that it is there.
    """

    model_config = ConfigDict(
        from_attributes=True,
        ser_json_bytes="base64",
        json_schema_serialization_defaults_required=True,
    )


class Message(ReadSchema):
    """An answer that only says what was done."""

    message: str
