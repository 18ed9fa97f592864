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


ADDRESS = "https://example.com/"
DAY = "{2030 + place // 28}-01-{place % 28 + 1:02}"
ENOUGH = 2000  # for all places
OTHERS = {
    "bool": Sample("True", "False", "place % 2 == 0", ('"true"', "1")),
    "date": Sample(
        *('"2030-01-31"', '"2030-02-28"', f'f"{DAY}"'),
        ('"soon"', '"2030-02-30"'),
    ),
    "datetime": Sample(
        *('"2030-01-31T12:00:00Z"', '"2030-02-28T12:00:00Z"'),
        f'f"{DAY}T12:00:00Z"',
        ('"soon"', '"2030-01-31T12:00:00"'),
    ),
    "timedelta": Sample('"PT1H"', '"P2D"', 'f"P{place + 100}D"', ('"soon"',)),
    "uuid": Sample(
        *(f'"{UUID}00000000fff1"', f'"{UUID}00000000fff2"', f'f"{UUID}{{place:012}}"'),
        ('"one"',),
    ),
    "json": Sample(
        *('{"key": "value"}', '{"key": [1, None]}', '{"key": place}'),
        ('"text"', "[1]", '{"key": "\\x00"}'),
    ),
    "bytes": Sample('"AAEC"', '"AwQF"', '"AAEC"', ('"%"', '"A"', "7")),
    "url": Sample(
        *(f'"{ADDRESS}"', f'"{ADDRESS}other"', f'f"{ADDRESS}{{place}}"'),
        ('"javascript:alert(1)"', '"https://"'),
    ),
    "email": Sample(
        *('"ada@example.com"', '"king@example.com"', 'f"ada{place:02}@example.com"'),
        ('"ada"', '"@a.b"'),
    ),
}


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
            varied = "place + 10" if most > ENOUGH else "-place - 10"
            second = "2" if most > 1 else "0"
            return Sample("1", second, varied, ('"1"', "1.5", str(most + 1)))
        case "float":
            return _float(field.maximum)
        case "decimal":
            return _decimal(field)
        case "enum":
            quoted = [f'"{member}"' for member in field.members]
            varied = f"({', '.join(quoted)})[place % {len(quoted)}]"
            return Sample(quoted[0], quoted[1], varied, ('"nothing"', '""'))
        case "array":
            return _array(field)
    return OTHERS.get(field.type, Sample("None", "None", "None"))


def needle(field: Field) -> tuple[str, str]:
    """A value that a search finds, and what is searched for: signs that aren't meant as such."""
    most = field.maximum or 100
    word = "100%_sure" if most > 30 else "%"
    forms = {"url": f"{ADDRESS}{word}", "email": f"{word}@example.com"}
    return f'"{forms.get(field.type, word)}"', f'"{word.upper()}"'


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


def _float(most: int | None) -> Sample:
    refused = ('"1.5"', "True")
    if most is None:
        return Sample("1.5", "2.5", "place + 10.5", refused)
    varied = "place + 10.5" if most > ENOUGH else "-place - 10.5"
    return Sample("0.5", "0.25", varied, (*refused, f"{most}.5"))


def _decimal(field: Field) -> Sample:
    digits, _, places = (field.argument or DIGITS).partition(",")
    tail = f".{'0' * (int(places) - 1)}5" if int(places) else ""
    refused = ['"much"', '"1e99"', f'"0.{"0" * int(places)}1"']
    most = field.maximum or ENOUGH
    if field.maximum:
        refused.append(f'"{most + 1}"')
    if most <= 2:
        whole = f".{'0' * int(places)}" if int(places) else ""
        varied = f'f"{{place % 2}}{whole}"'
        return Sample(f'"0{tail}"', f'"1{whole}"', varied, tuple(refused))
    wide = int(digits) - int(places) > 2 and most >= 1000
    # Of one width, so that they are in the same order as text.
    varied = "place + 100" if wide else f"place % {min(most - 1, 9)} + 1"
    return Sample(f'"1{tail}"', f'"2{tail}"', f'f"{{{varied}}}{tail}"', tuple(refused))


def _array(field: Field) -> Sample:
    one, other = {
        "str": ('"one"', '"two"'),
        "int": ("1", "2"),
        "float": ("1.5", "2.5"),
        "bool": ("True", "False"),
        "date": ('"2030-01-31"', '"2030-02-28"'),
        "uuid": (f'"{UUID}00000000fff1"', f'"{UUID}00000000fff2"'),
    }[field.argument or "str"]
    refused = ('"text"', "[None]", f"[{one}] * {(field.maximum or 100) + 1}")
    return Sample(f"[{one}]", f"[{other}]", f"[{one}]", refused)
