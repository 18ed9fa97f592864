"""SQL literals by type of column."""

from collections.abc import Iterator
from typing import NamedTuple

FORMS = ("it''s {}", "name{}", "a{}@example.com", "https://example.com/{}", "{}")
# By pg_type.typname; the rest are casts of a text.
TYPED = {
    "bool": "({0} % 2 = 0)",
    "date": "date '2026-01-01' + {0}",
    "timestamp": "timestamp '2026-01-01' + {0} * interval '1 hour'",
    "timestamptz": "timestamptz '2026-01-01' + {0} * interval '1 hour'",
    "time": "time '00:00' + {0} * interval '1 second'",
    "timetz": "timetz '00:00+00' + {0} * interval '1 second'",
    "interval": "{0} * interval '1 second'",
    "uuid": "gen_random_uuid()",
    "json": "json_build_object('n', {0})",
    "jsonb": "jsonb_build_object('n', {0})",
    "bytea": "decode(lpad(to_hex({0}), 8, '0'), 'hex')",
    "inet": "inet '10.0.0.0' + {0}",
    "cidr": "set_masklen(cidr '10.0.0.0/32' + {0}, 32)",
    "macaddr": "CAST(lpad(to_hex({0}), 12, '0') AS macaddr)",
    "tsvector": "to_tsvector('simple', 'word{0}')",
    "int4range": "int4range({0}, {0} + 1)",
    "int8range": "int8range({0}, {0} + 1)",
    "numrange": "numrange({0}, {0} + 1)",
    "daterange": "daterange(date '2026-01-01' + {0}, date '2026-01-02' + {0})",
    "tstzrange": "tstzrange(now() + {0} * interval '1 h', now() + ({0} + 1) * interval '1 h')",
    "tsrange": "tsrange(localtimestamp + {0} * interval '1 h', localtimestamp + "
    "({0} + 1) * interval '1 h')",
    "point": "point({0}, {0})",
    "bit": "CAST({0} AS bit(8))",
    "xml": "xmlparse(content '<n>{0}</n>')",
}


class Column(NamedTuple):
    """A column, as `literal` needs it."""

    name: str
    required: bool
    type: str
    base: str
    category: str
    generated: bool
    has_default: bool
    labels: list[str]
    length: int | None
    digits: int | None


class Variant(NamedTuple):
    """The number that a row's values are made of, and the form of its texts."""

    number: int
    form: str


def variants(number: int) -> Iterator[Variant]:
    """Values to try one after another, since constraints may refuse some."""
    for form in FORMS:
        for step in (0, 1, 1000):
            yield Variant(number + step, form)
    for few in (0, 1, -number, 100):
        yield Variant(few, FORMS[1])


def literal(column: Column, variant: Variant) -> str:
    """A value of the column's type."""
    number = variant.number
    if column.labels:
        label = column.labels[number % len(column.labels)].replace("'", "''")
        value = f"CAST('{label}' AS {column.type.removesuffix('[]')})"
        return f"ARRAY[{value}]" if column.category == "A" else value
    if column.category == "A":
        element = column._replace(base=column.base.removeprefix("_"), category="")
        element = element._replace(type=column.type.removesuffix("[]"))
        return f"CAST(ARRAY[{literal(element, variant)}] AS {column.type})"
    if column.base in TYPED:
        return TYPED[column.base].format(f"({number})")
    if column.base in ("int2", "int4", "int8", "float4", "float8", "money"):
        return f"CAST({number} AS {column.type})"
    if column.base == "numeric":
        most = 10 ** max(column.digits, 0) if column.digits is not None else 10**6
        return f"CAST({number % most if number >= 0 else number} AS {column.type})"
    words = variant.form.format(number)
    if column.length is not None and len(words) > column.length:
        words = str(number)[-column.length :]
    return f"CAST('{words}' AS {column.type})"
