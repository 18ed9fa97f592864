#!/usr/bin/env bash
# sqlmodel 0.0.50: `name: Title | None` makes a VARCHAR without a length, `name: Title` one with it.
#
# A good guess: `Title = Annotated[str, Field(max_length=30)]` bounds its column wherever it stands.
# Seen: the length is looked for in the field's own metadata only, where pydantic leaves what stands
# in a union's member, and there in the first entry that is pydantic's, which strict=True is, too. So
# the column of an optional field takes any text, and a Decimal's becomes NUMERIC without digits.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    sqlmodel==0.0.50 sqlalchemy==2.1.9 pydantic==2.14.4
"$folder/venv/bin/python" - <<'PYTHON'
from decimal import Decimal
from importlib.metadata import version
from typing import Annotated

import pydantic
from sqlmodel import Field, SQLModel

Title = Annotated[str, pydantic.Field(max_length=30)]
Price = Annotated[Decimal, pydantic.Field(max_digits=8, decimal_places=2)]


class Book(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    title: Title
    subtitle: Title | None = None
    strict: str = pydantic.Field(strict=True, max_length=30)
    price: Price
    old_price: Price | None = None


print("sqlmodel", version("sqlmodel"))
columns = Book.__table__.columns
lengths = {name: columns[name].type.length for name in ("title", "subtitle", "strict")}
digits = {name: columns[name].type.precision for name in ("price", "old_price")}
print("lengths:", lengths)
print("digits:", digits)
assert lengths == {"title": 30, "subtitle": None, "strict": None}, "changed"
assert digits == {"price": 8, "old_price": None}, "changed"
PYTHON
