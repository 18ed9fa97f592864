"""Each mail as it would look, with the example values that stand beside its template."""

import json
from typing import Any, NamedTuple, cast

from jinja2 import TemplateError

from features.emails.rendering import FEATURES, TEMPLATE, render


class Preview(NamedTuple):
    """A mail with its example's values, or what keeps it from being shown."""

    subject: str = ""
    text: str = ""
    html: str = ""
    problem: str | None = None


def previews() -> dict[str, Preview]:
    """Every mail of every feature, by the name that `send_email` takes."""
    found = sorted(FEATURES.glob("*/templates/*.txt.jinja"))
    names = [f"{path.parent.parent.name}.{path.name.partition('.')[0]}" for path in found]
    return {name: preview(name) for name in names}


def preview(template: str) -> Preview:
    """One mail: features/<feature>/templates/<name>.example.json has its values, as an object."""
    if not TEMPLATE.fullmatch(template):
        return Preview(problem="a template's name has lower-case letters, digits and underscores")
    feature, name = template.split(".")
    example = FEATURES / feature / "templates" / f"{name}.example.json"
    try:
        values = json.loads(example.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Preview(problem=f"{example.relative_to(FEATURES.parent)} is missing")
    except ValueError as error:
        return Preview(problem=f"{example.name} is no JSON: {error}")
    if not isinstance(values, dict):
        return Preview(problem=f"{example.name} is no JSON object")
    try:
        return Preview(*render(template, cast(dict[str, Any], values)))
    except (TemplateError, ValueError, TypeError) as error:
        return Preview(problem=f"{type(error).__name__}: {error}")
