"""The questions of `hatch run new` without arguments; the answers are words of its command line."""

from typing import Any

import questionary

from infra.scaffold.errors import ScaffoldError
from infra.scaffold.fields import parse
from infra.scaffold.names import check_feature, singular
from kernel import discovery
from kernel.web.access import PERMISSION_NAME

AUDIENCES = {
    "each user, their own": ["owner:user"],
    "everyone reads, each user writes their own": ["owner:user", "--public"],
    "everyone reads, superusers write": ["--public"],
    "superusers only": ["--superuser"],
}
EXTRAS = {
    "a job for each new row": "--tasks",
    "a job for each night": "--schedule",
    "a setting: how many rows there may be": "--settings",
    "a first row": "--seed",
    "a limit of calls": "--rate-limit",
    "UUIDs as keys": "--key=uuid7",
}


def ask(**options: Any) -> list[str] | None:
    """The words; None when a question isn't answered. `options` are prompt_toolkit's."""
    name = questionary.text(
        "What does it hold? A noun in the plural, like invoices:", validate=_of_feature, **options
    ).ask()
    if name is None:
        return None
    fields = _ask_fields(**options)
    if fields is None:
        return None
    audience = questionary.select("Whose is it?", choices=list(AUDIENCES), **options).ask()
    if audience is None:
        return None
    words = [name, *fields, *AUDIENCES[audience]]
    if "--superuser" not in words:
        permission = questionary.text(
            f"A permission that it takes to write, like {name}.write (nothing: none):",
            validate=_of_permission,
            **options,
        ).ask()
        if permission is None:
            return None
        words += [f"--requires={permission}"] if permission else []
    extras = questionary.checkbox("What else?", choices=list(EXTRAS), **options).ask()
    return None if extras is None else [*words, *(EXTRAS[extra] for extra in extras)]


def _ask_fields(**options: Any) -> list[str] | None:
    fields: list[str] = []
    while True:
        field = questionary.text(
            "A field, like number:str:unique or due:date (nothing: that's all):",
            validate=lambda word: _of_field(word, fields),
            **options,
        ).ask()
        if not field:
            return None if field is None else fields
        fields.append(field)


def agreed(**options: Any) -> bool:
    """Whether it is to be written."""
    return bool(questionary.confirm("Write it?", default=False, **options).ask())


def _of_feature(name: str) -> bool | str:
    try:
        check_feature(name, singular(name), discovery.names())
    except ScaffoldError as error:
        return str(error)
    return True


def _of_field(word: str, before: list[str]) -> bool | str:
    if not word:
        return bool(before) or "It needs one."
    try:
        parse([*before, word])
    except ScaffoldError as error:
        return str(error)
    return True


def _of_permission(word: str) -> bool | str:
    if not word or PERMISSION_NAME.fullmatch(word):
        return True
    return f"{word} is no name of a permission."
