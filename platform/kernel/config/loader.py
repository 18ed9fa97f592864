"""Settings: read from their sources, in groups that are declared where they are needed.

The kernel's groups stand in groups.py, a feature's in its own settings.py.
"""

import os
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.metadata import metadata, packages_distributions
from io import StringIO
from pathlib import Path
from typing import ClassVar, Literal, TypeVar

from dotenv.parser import parse_stream
from pydantic import ValidationError
from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsConfigDict
from pydantic_settings import PydanticBaseSettingsSource as Source

ROOT = Path(__file__).resolve().parents[3]
GENERATED_FILE = "generated.env"

Environment = Literal["local", "staging", "production"]
Group = TypeVar("Group", bound="SettingsGroup")


@cache
def project() -> Mapping[str, str]:
    """The project's `name` and `version`, which stand in pyproject.toml and nowhere else."""
    pyproject = ROOT / "pyproject.toml"
    if pyproject.is_file():
        table: dict[str, str] = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]
        return table
    installed = metadata(packages_distributions()["kernel"][0])
    return {"name": installed["Name"], "version": installed["Version"]}


class SettingsError(Exception):
    """The settings can't be used; the message lists every problem at once."""


class SettingsGroup(BaseSettings):
    """Base of every group of settings. A field `app_name` is read from APP_NAME."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)
    title: ClassVar[str] = ""
    # By field: settings of other groups that must be given where its value isn't the default.
    needs: ClassVar[Mapping[str, tuple[str, ...]]] = {}

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: Source, *_: Source, **__: Source
    ) -> tuple[Source, ...]:
        # Settings has merged the sources already; a group reads nothing by itself.
        return (init_settings,)

    def validation_errors(self, environment: Environment) -> Iterator[str]:
        """Say what makes these values unfit for the environment; nothing when they are fit."""
        yield from ()


# In the .env of compose stacks only; known, so that they cause no warning.
COMPOSE_NAMES = ("PGADMIN_DEFAULT_EMAIL", "PGADMIN_DEFAULT_PASSWORD", "PGADMIN_LISTEN_PORT")


class _Values(EnvSettingsSource):
    def __init__(self, kind: type[SettingsGroup], values: Mapping[str, str]) -> None:
        self._values = values
        super().__init__(kind, env_ignore_empty=True)

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return {name.lower(): value for name, value in self._values.items()}


class Settings:
    """Every group, read from the same values: `settings.group(AppSettings).app_name`.

    Built from explicit values in tests; `Settings.load()` reads the environment, then `.env`
    in the project's root, then what `hatch run dev` generated (in local only).
    """

    def __init__(
        self, values: Mapping[str, str] | None = None, unknown: Iterable[str] = ()
    ) -> None:
        self._values = {name.upper(): value for name, value in (values or {}).items()}
        self._groups: dict[type[SettingsGroup], SettingsGroup] = {}
        self.unknown = sorted(unknown)

    @classmethod
    def load(cls, groups: Iterable[type[SettingsGroup]], root: Path = ROOT) -> "Settings":
        """Read all sources and check every group.

        Raises SettingsError, listing every problem, when a value is malformed or unfit.
        """
        dotenv = read_dotenv(root / ".env")
        values = {**dotenv, **_given(os.environ)}
        if values.get("ENVIRONMENT", "local") == "local":
            data = root / values.get("DEV_DATA_DIR", ".dev")
            values = {**read_dotenv(data / GENERATED_FILE), **values}
        groups = list(groups)
        known = {name.upper() for group in groups for name in group.model_fields}
        known |= {f"{name}_FILE" for name in known} | set(COMPOSE_NAMES)
        settings = cls(values, unknown=set(dotenv) - known)
        settings.check(groups)
        return settings

    def check(self, groups: Iterable[type[SettingsGroup]]) -> None:
        """Raise SettingsError with every problem of these groups, if there is any."""
        problems: list[str] = []
        environment = self._values.get("ENVIRONMENT") or "local"
        for kind in groups:
            try:
                group, malformed = self._as_far_as_possible(kind)
                problems += malformed
                problems += group.validation_errors(environment)  # type: ignore[arg-type]
                problems += self._lacking(group)
            except SettingsError as unreadable:
                problems.append(str(unreadable))
        if problems:
            lines = "".join(f"\n  - {problem}" for problem in dict.fromkeys(problems))
            raise SettingsError(f"The settings can't be used ({environment}):{lines}")

    def group(self, kind: type[Group]) -> Group:
        """The group of that class. Raises pydantic's ValidationError for a malformed value."""
        if kind not in self._groups:
            self._groups[kind] = kind(**_Values(kind, self._with_secret_files(kind))())
        return self._groups[kind]  # type: ignore[return-value]

    def _as_far_as_possible(self, kind: type[Group]) -> tuple[Group, list[str]]:
        """The group, malformed values replaced by their defaults; and what is wrong with them."""
        try:
            return self.group(kind), []
        except ValidationError as invalid:
            wrong = {str(error["loc"][0]).upper(): error["msg"] for error in invalid.errors()}
        values = self._with_secret_files(kind)
        fit = {name: value for name, value in values.items() if name not in wrong}
        messages = [f"{name}: {told.removeprefix('Value error, ')}" for name, told in wrong.items()]
        return kind(**_Values(kind, fit)()), messages

    def _lacking(self, group: SettingsGroup) -> Iterator[str]:
        for field, names in group.needs.items():
            if getattr(group, field) != type(group).model_fields[field].default:
                for name in names:
                    if not (self._values.get(name) or self._values.get(f"{name}_FILE")):
                        yield f"{field.upper()} needs {name}, which is missing"

    def _with_secret_files(self, kind: type[SettingsGroup]) -> Mapping[str, str]:
        values = dict(self._values)
        for name in (field.upper() for field in kind.model_fields):
            path = values.get(f"{name}_FILE")
            if path and not values.get(name):
                try:
                    values[name] = Path(path).read_text(encoding="utf-8").strip()
                except OSError as error:
                    raise SettingsError(f"{name}_FILE: {error.strerror}: {path}") from error
                except UnicodeDecodeError as error:
                    raise SettingsError(f"{name}_FILE: not UTF-8 text: {path}") from error
        return values


def is_weak(secret: str, length: int) -> bool:
    """Whether a secret is shorter than `length` characters, or obviously no random one."""
    words = ("changeme", "change-me", "secret", "password", "example", "your_", "test")
    lowered = secret.lower()
    return len(secret) < length or len(set(secret)) < 8 or any(lowered.startswith(w) for w in words)


def _given(environ: Mapping[str, str]) -> dict[str, str]:
    return {name.upper(): value for name, value in environ.items() if value}


def read_dotenv(path: Path) -> dict[str, str]:
    """Read a dotenv file; names whose value is empty, or only a comment, are left out.

    Raises SettingsError when it isn't UTF-8 text.
    """
    if not path.is_file():
        return {}
    found: dict[str, str] = {}
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:  # Windows writes UTF-16 by default
        raise SettingsError(f"{path} is not UTF-8 text; save it anew in that encoding.") from error
    with StringIO(text) as stream:
        for binding in parse_stream(stream):
            if binding.key is None or not binding.value:
                continue
            # `SECRET_KEY= # a remark` gives the remark as the value; quoted, "#..." is meant.
            raw = binding.original.string.partition("=")[2].strip()
            if not raw.startswith("#"):
                found[binding.key.upper()] = binding.value
    return found
