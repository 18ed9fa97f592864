"""`.env.example`, written from the settings classes."""

from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from infra.checks import ROOT
from kernel.config.groups import KERNEL_GROUPS
from kernel.config.loader import COMPOSE_NAMES, SettingsGroup
from kernel.settings import feature_settings

FILE = ".env.example"
UPDATE = "hatch run python -m infra.env_example"
# A value for one of these means an external server, so a copied file must not bring them.
SERVERS = ("DATABASE_URL", "POSTGRES_", "REDIS_")
HEAD = f"""\
# Every setting with its default. Copy this file to .env and keep the lines you change.
# An empty value means the default. The environment wins over .env.
# Any value can come from a file: NAME_FILE=/run/secrets/name.
# Written by `{UPDATE}`.
"""


def text() -> str:
    """Return the whole file, grouped by owner: the kernel first, then each feature."""
    parts = [HEAD, *map(section, groups())]
    compose = [f"#{name}=" for name in COMPOSE_NAMES]
    parts.append("\n".join(["# --- pgAdmin (compose only)", *compose]) + "\n")
    return "\n".join(parts)


def section(group: type[SettingsGroup]) -> str:
    """Return the part of the file that one settings class writes."""
    path = group.__module__.replace(".", "/") + ".py"
    owner = f"platform/{path}" if path.startswith("kernel/") else path
    lines = [f"# --- {group.title or group.__name__} ({owner})"]
    for name, field in group.model_fields.items():
        lines += _lines(name.upper(), field)
    return "\n".join(lines) + "\n"


def lacking(text: str, feature: str) -> list[str]:
    """Say which of the feature's settings the file doesn't have, or has otherwise."""
    path = f"features.{feature}.settings"
    return [
        f"{FILE} lacks, or has otherwise, {group.__name__} of features/{feature}. Write it anew: "
        f"{UPDATE}. See docs/gates.md#a-setting-that-envexample-lacks"
        for group in groups()
        if group.__module__ == path and section(group) not in text
    ]


def groups() -> list[type[SettingsGroup]]:
    """Return the settings classes of the kernel and of every feature that has some."""
    return [*KERNEL_GROUPS, *feature_settings()]


def _lines(name: str, field: FieldInfo) -> Iterator[str]:
    choices = get_args(field.annotation) if get_origin(field.annotation) is Literal else ()
    remarks = [field.description or "", f"one of {', '.join(choices)}" if choices else ""]
    if remark := "; ".join(filter(None, remarks)):
        yield f"# {remark[0].upper()}{remark[1:]}."
    commented = "#" if name.startswith(SERVERS) else ""
    yield f"{commented}{name}={_written(field.default)}"


def _written(default: Any) -> str:
    match default:
        case None | []:
            return ""
        case bool():
            return str(default).lower()
        case SecretStr():
            return default.get_secret_value()
        case list() | tuple():
            return ",".join(map(str, default))
        case _ if default is PydanticUndefined:
            return ""  # required, or worked out when it is asked for
    value = str(default)
    return f'"{value}"' if set(value) & set(" #'") else value


if __name__ == "__main__":
    (ROOT / FILE).write_text(text())
