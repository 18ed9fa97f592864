"""Values of each type, as a client sends them: expressions of Python for tests and examples."""

from dataclasses import dataclass

from infra.scaffold.fields import Field
from infra.scaffold.kinds import DIGITS, MAX_BIGINT, MAX_INT

UUID = "01936f6e-0000-7000-8000-"


@dataclass(frozen=True)
class Sample:
    """What is sent first, then instead; what the rows of a list have, by their `place`; and what
    is refused."""

    first: str
    second: str
    varied: str
    refused: tuple[str, ...] = ()


def sample(field: Field) -> Sample:
    """The values of the field; in a list's rows, so far as they fit, each is another one."""
    label = field.label
    match field.type:
        case "str":
            return _text(field, label, field.maximum or 100)
        case "text":
            return _text(field, label, field.maximum or 10_000)
        case "int" | "bigint":
            most = field.maximum or (MAX_INT if field.type == "int" else MAX_BIGINT)
            varied = "place + 1" if most >= 100 else f"place % {most} + 1"
            return Sample("1", str(min(2, most)), varied, ('"1"', "1.5", str(most + 1)))
        case "decimal":
            return _decimal(field)
        case "float":
            return Sample("1.5", "2.5", "place + 0.5", ('"1.5"', "True"))
        case "bool":
            return Sample("True", "False", "place % 2 == 0", ('"true"', "1"))
        case "date":
            varied = 'f"2030-01-{place % 28 + 1:02}"'
            return Sample('"2030-01-31"', '"2030-02-28"', varied, ('"soon"', '"2030-02-30"'))
        case "datetime":
            varied = 'f"2030-01-{place % 28 + 1:02}T12:00:00Z"'
            first, second = '"2030-01-31T12:00:00Z"', '"2030-02-28T12:00:00Z"'
            return Sample(first, second, varied, ('"soon"', '"2030-01-31T12:00:00"'))
        case "timedelta":
            return Sample('"PT1H"', '"P2D"', 'f"P{place + 100}D"', ('"soon"',))
        case "uuid":
            first, second = f'"{UUID}000000000001"', f'"{UUID}000000000002"'
            return Sample(first, second, f'f"{UUID}{{place:012}}"', ('"one"',))
        case "enum":
            one, other, *_ = quoted = [f'"{member}"' for member in field.members]
            varied = f"({', '.join(quoted)})[place % {len(quoted)}]"
            return Sample(one, other, varied, ('"nothing"', '""'))
        case "json":
            refused = ('"text"', "[1]", '{"key": "\\x00"}')
            return Sample('{"key": "value"}', '{"key": [1, None]}', '{"key": place}', refused)
        case "array":
            return _array(field)
        case "bytes":
            return Sample('"AAEC"', '"/+7d"', '"AAEC"', ('"%"', '"A"', "7"))
        case "url":
            address, refused = "https://example.com/", ('"javascript:alert(1)"', '"https://"')
            return Sample(f'"{address}"', f'"{address}other"', f'f"{address}{{place}}"', refused)
        case "email":
            varied = 'f"ada{place:02}@example.com"'
            return Sample('"ada@example.com"', '"king@example.com"', varied, ('"ada"', '"@a.b"'))
    return Sample("None", "None", "None")


def _text(field: Field, label: str, most: int) -> Sample:
    """Words where they fit, so that the rows of a list are in the order of their places."""
    first, second = f"A {label}", f"Another {label}"
    if len(second) + 1 > most:
        first, second = "a"[:most], "b"[:most]
    varied = f'f"{label.capitalize()} {{place:02}}"'
    if len(label) + 3 > most:
        varied = 'f"{place % 10}"'
    refused = ('""', f'"x" * {most + 1}', '"x\\x00"', "7")
    return Sample(f'"{first}"', f'"{second}"', varied, refused)


def _decimal(field: Field) -> Sample:
    digits, _, places = (field.argument or DIGITS).partition(",")
    tail = f".{'0' * (int(places) - 1)}5" if int(places) else ""
    wide = int(digits) - int(places) > 2 and (field.maximum or 1000) >= 1000
    # Of one width, so that they are in the same order as text.
    varied = "place + 100" if wide else f"place % {min(field.maximum or 9, 9)} + 1"
    refused = ('"much"', '"1e99"', f'"0.{"0" * int(places)}1"')
    return Sample(f'"1{tail}"', f'"2{tail}"', f'f"{{{varied}}}{tail}"', refused)


def _array(field: Field) -> Sample:
    one, other = {
        "str": ('"one"', '"two"'),
        "int": ("1", "2"),
        "float": ("1.5", "2.5"),
        "bool": ("True", "False"),
        "date": ('"2030-01-31"', '"2030-02-28"'),
        "uuid": (f'"{UUID}000000000001"', f'"{UUID}000000000002"'),
    }[field.argument or "str"]
    refused = ('"text"', "[None]", f"[{one}] * {(field.maximum or 100) + 1}")
    return Sample(f"[{one}]", f"[{other}]", f"[{one}]", refused)
