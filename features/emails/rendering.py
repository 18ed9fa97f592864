"""Mails from their templates: a subject and a text, and the same as HTML."""

import re
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

FEATURES = Path(__file__).resolve().parent.parent
TEMPLATE = re.compile(r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$")


class Rendered(NamedTuple):
    """What a mail says."""

    subject: str
    text: str
    html: str


@cache
def environment() -> Environment:
    """Where templates are found, and how they are filled."""
    # `html.jinja` escapes, `txt.jinja` doesn't; a value that is missing is an error.
    return Environment(
        loader=FileSystemLoader(FEATURES),
        autoescape=select_autoescape(["html.jinja"], default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render(template: str, values: dict[str, Any]) -> Rendered:
    """The mail of `<feature>.<name>`. The text's first line is `Subject: ...`.

    Raises ValueError for a name that is none, and jinja2's errors for a template that is missing
    or uses a value that isn't given.
    """
    if not TEMPLATE.fullmatch(template):
        raise ValueError(f"{template!r} is no template: it is named <feature>.<name>")
    feature, name = template.split(".")
    path = f"{feature}/templates/{name}"
    first, _, text = environment().get_template(f"{path}.txt.jinja").render(values).partition("\n")
    if not first.startswith("Subject: "):
        raise ValueError(f"{path}.txt.jinja doesn't begin with `Subject: `")
    # Of a value with line breaks one line is left, and no header of its own.
    subject = " ".join(first.removeprefix("Subject: ").split())
    html = environment().get_template(f"{path}.html.jinja").render(values, subject=subject)
    return Rendered(subject, text.strip() + "\n", html)
