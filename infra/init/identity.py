"""The product's own name, version, licence line, changelog and README."""

import datetime
import json
import re
import tomllib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from infra.init.errors import InitError
from infra.upgrade import VERSION

DESCRIPTION = "A FastAPI backend in vertical slices: SQLModel on PostgreSQL, Redis, ARQ."
CHANGELOG = """\
# Changelog

Kept in the manner of [Keep a Changelog](https://keepachangelog.com/en/1.1.0/); versions follow
[Semantic Versioning](https://semver.org/spec/v2.0.0.html).

## [Unreleased]
"""
# The sections of the template's README that a product's README keeps.
KEPT = ("Start", "Commands", "Run it elsewhere", "Add a feature", "Where to look", "Windows")
APP_NAME = 'default_factory=lambda: project()["name"].replace("-", " ").capitalize(),'


@dataclass(frozen=True)
class Identity:
    """What the product is called, what it is, and whose it is."""

    title: str
    description: str
    holder: str | None

    @property
    def package(self) -> str:
        """The title as the name of a Python package: `My product` is `my-product`."""
        return re.sub(r"[^a-z0-9]+", "-", self.title.lower()).strip("-")


def problem(identity: Identity, pyproject: str) -> str | None:
    """Why the product can't be called so."""
    for what, text in (("name", identity.title), ("description", identity.description)):
        if not text.isprintable() or len(text) > 200 or set(text) & set('"\\'):
            return f"The {what} must be one line without quotes and backslashes: {text!r}"
    if identity.holder is not None and not (identity.holder.isprintable() and identity.holder):
        return "The holder of the copyright must be one line of text."
    if not re.search(r"[A-Za-z]", identity.title):
        return f"A name needs a letter from A to Z, for the package: {identity.title!r}"
    project = tomllib.loads(pyproject)
    groups = [project["project"]["dependencies"], *project["dependency-groups"].values()]
    needed = {
        re.split(r"[^\w-]", line)[0].lower().replace("_", "-")
        for group in groups
        for line in group
        if isinstance(line, str)
    }
    if identity.package in needed:
        return f"{identity.package} is a package that the project needs; choose another name."
    if identity.package == project["project"]["name"]:
        return "That is the template's own name; choose your product's."
    return None


def write(root: Path, identity: Identity, scripts: Collection[str]) -> None:
    """Write the name and all that begins anew; `scripts` are the verbs that there are."""
    pyproject = root / "pyproject.toml"
    text = pyproject.read_text()
    before = tomllib.loads(text)["project"]
    for key, value in (
        ("name", identity.package),
        ("version", "0.1.0"),
        ("description", identity.description),
    ):
        there = re.search(rf'(?m)^{key} = ".*"$', text)
        if there is None:
            raise InitError(f"pyproject.toml has no line `{key} = ...`.")
        line = f"{key} = {json.dumps(value, ensure_ascii=False)}"
        text = text[: there.start()] + line + text[there.end() :]
    pyproject.write_text(text)
    if identity.package.replace("-", " ").capitalize() != identity.title:
        _say_title(root / "platform/kernel/config/groups.py", identity.title)
    (root / "CHANGELOG.md").write_text(CHANGELOG)
    if identity.holder is not None:
        _add_holder(root / "LICENSE", identity.holder)
    readme = root / "README.md"
    readme.write_text(_readme(readme.read_text(), identity, before, scripts, root))
    security = root / "SECURITY.md"
    security.write_text(
        re.sub(r" A project made from this template[^.]*\.", "", security.read_text())
    )


def _say_title(groups: Path, title: str) -> None:
    """Make the title APP_NAME's default, since the package's name doesn't spell it."""
    text = groups.read_text()
    if text.count(APP_NAME) != 1:
        raise InitError(f"{groups.name} no longer makes APP_NAME of the project's name.")
    groups.write_text(
        text.replace(APP_NAME, f"default={json.dumps(title, ensure_ascii=False)},").replace(
            "what users read; by default the project's name", "what users read"
        )
    )


def _add_holder(licence: Path, holder: str) -> None:
    """Add a line above the template's, which the licence asks to keep."""
    text = licence.read_text()
    year = datetime.datetime.now(datetime.UTC).year
    line = f"Copyright (c) {year} {holder}\n"
    licence.write_text(re.sub(r"(?m)^(?=Copyright)", lambda _: line, text, count=1))


def _readme(
    template: str, identity: Identity, before: dict[str, str], scripts: Collection[str], root: Path
) -> str:
    _, *sections = re.split(r"(?m)^## ", template)
    by_title = {section.partition("\n")[0]: section for section in sections}
    kept = [f"## {by_title[name]}" for name in KEPT if name in by_title]
    text = f"# {identity.title}\n\n{identity.description}\n\n" + "".join(kept)
    lines = [line for line in text.splitlines() if _is_true(line, scripts)]
    origin = (
        f"## Made from\n\n{before['name'].capitalize()} {VERSION}, a template under the "
        "MIT licence: [LICENSE](LICENSE) has its terms.\n"
    )
    return "\n".join(lines).rstrip() + "\n\n" + origin


def _is_true(line: str, scripts: Collection[str]) -> bool:
    row = re.match(r"\| `hatch run ([\w-]+)", line)
    return row is None or line.startswith("| `hatch run " + row[1] + ":") or row[1] in scripts
