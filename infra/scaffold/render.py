"""Templates into files: formatted as our checks want them, with the imports that they use."""

import subprocess
import sys
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from infra.checks import ROOT
from infra.scaffold.columns import Column, member
from infra.scaffold.context import context, unsayable
from infra.scaffold.feature import Feature
from infra.scaffold.names import article, camel
from kernel.db.tables import table_name

TEMPLATES = Path(__file__).with_name("templates")
ALWAYS = (
    "__init__.py",
    "models.py",
    "cache_keys.py",
    "crud.py",
    "router.py",
    "tests/__init__.py",
    "tests/factories.py",
    "tests/test_{plural}.py",
    "tests/test_cached_{plural}.py",
)


def render(feature: Feature, folder: Path) -> None:
    """Write the feature's files into a new folder."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - it writes Python, from names that were checked
    )
    environment.filters |= {
        "member": member,
        "article": article,
        "camel": camel,
        "table_name": table_name,
        "words": lambda name: name.replace("_", " "),
    }
    known = context(feature)
    for name in files_of(feature):
        text = environment.get_template(f"{name}.jinja").render(known)
        path = folder / name.format(plural=feature.plural, single=feature.single)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    tidy(folder)


def files_of(feature: Feature) -> list[str]:
    """The templates of the files that it has."""
    options = feature.options
    asked = {
        # Only where there is a site to show it.
        "admin.py": (ROOT / "features" / "admin").is_dir(),
        "schemas.py": feature.split,
        "permissions.py": bool(feature.targets or options.requires),
        "tests/test_{single}_permission.py": bool(options.requires),
        "personal_data.py": feature.is_personal,
        "handlers.py": feature.goes_first,
        "tests/test_{single}_parts.py": feature.whole or bool(feature.references),
        "tasks.py": options.tasks or options.schedule,
        "tests/test_{single}_lists.py": any(map(is_told_of_lists, feature.columns)),
        "tests/test_{plural}_tasks.py": options.tasks or options.schedule,
        "settings.py": options.settings,
        "seed.py": options.seed,
        "tests/test_{plural}_extras.py": options.settings or options.seed or options.rate_limit,
        "tests/test_{single}_states.py": feature.machine is not None,
        "tests/fuzz.toml": bool(unsayable(feature)),
    }
    return [*ALWAYS, *(name for name, wanted in asked.items() if wanted)]


def is_told_of_lists(column: Column) -> bool:
    """Whether lists treat the column in a way that the gates don't try."""
    field = column.field
    is_null_filter = field.optional and field.kind.is_moment
    return field.type in ("text", "enum") or field.search or is_null_filter


def tidy(folder: Path) -> None:
    """Take out the imports that nothing uses, sort the others, and format."""
    ruff = Path(sys.executable).with_name("ruff")
    settings = ["--quiet", "--no-cache", "--config", str(ROOT / "pyproject.toml")]
    fix = ["check", "--fix", "--exit-zero", "--select", "F401,I"]
    # The commas of a template must not keep lines apart that fit into one.
    fix += ["--config", "lint.isort.split-on-trailing-comma=false"]
    join = ["format", "--config", "format.skip-magic-trailing-comma=true"]
    for arguments in (fix, join, ["format"]):
        subprocess.run([ruff, *arguments, *settings, folder], check=True)
