"""A product's names, its licence line and its README."""

import tomllib
from pathlib import Path

import pytest

from infra.checks import ROOT
from infra.init import identity
from infra.init.identity import Identity

PYPROJECT = (ROOT / "pyproject.toml").read_text()
FILES = ("pyproject.toml", "README.md", "LICENSE", "SECURITY.md", "CHANGELOG.md")
GROUPS = "platform/kernel/config/groups.py"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with the files that names stand in."""
    for name in (*FILES, GROUPS):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text((ROOT / name).read_text())
    return tmp_path


def product(title: str = "My product", holder: str | None = "Ada Lovelace") -> Identity:
    return Identity(title, "What it is.", holder)


@pytest.mark.parametrize(
    ("title", "package"),
    [("My product", "my-product"), ("ACME  Portal 2.0", "acme-portal-2-0"), ("Zoë!", "zo")],
)
def test_the_package_is_named_by_the_title(title: str, package: str) -> None:
    assert product(title).package == package


@pytest.mark.parametrize(
    ("title", "said"),
    [
        ("", "needs a letter"),
        ("123", "needs a letter"),
        ("Two\nlines", "one line"),
        ('A "quoted" one', "without quotes"),
        ("FastAPI", "fastapi is a package that the project needs"),
        ("x" * 201, "one line"),
    ],
)
def test_a_name_that_makes_no_package_is_refused(title: str, said: str) -> None:
    assert said in str(identity.problem(product(title), PYPROJECT))


def test_the_templates_own_name_is_refused() -> None:
    own = tomllib.loads(PYPROJECT)["project"]["name"]

    assert "template's own name" in str(identity.problem(product(own.capitalize()), PYPROJECT))
    assert identity.problem(product(), PYPROJECT) is None


def test_name_version_and_description_are_written_and_the_rest_stays(root: Path) -> None:
    identity.write(root, product(), ["dev", "test"])

    before, after = tomllib.loads(PYPROJECT), tomllib.loads((root / "pyproject.toml").read_text())
    assert (after["project"]["name"], after["project"]["version"]) == ("my-product", "0.1.0")
    assert after["project"].pop("description") == "What it is."
    for key in ("name", "version", "description"):
        before["project"].pop(key, None)
        after["project"].pop(key, None)
    assert before == after


def test_a_title_that_the_package_does_not_spell_is_the_default_of_app_name(root: Path) -> None:
    identity.write(root, product("My product"), [])
    same = (root / GROUPS).read_text()
    identity.write(root, product("ACME Zoë"), [])

    assert same == (ROOT / GROUPS).read_text()
    assert 'default="ACME Zoë",' in (root / GROUPS).read_text()


def test_the_holder_stands_above_the_templates_line_which_stays(root: Path) -> None:
    identity.write(root, product(), [])
    lines = [line for line in (root / "LICENSE").read_text().splitlines() if "(c)" in line]
    identity.write(root, product(holder=None), [])

    assert lines[0].endswith(" Ada Lovelace")
    assert lines[1:] == [
        line for line in (ROOT / "LICENSE").read_text().splitlines() if "(c)" in line
    ]


def test_the_readme_keeps_the_commands_that_are_there(root: Path) -> None:
    identity.write(root, product(), ["dev", "test", "check"])

    text = (root / "README.md").read_text()
    assert text.startswith("# My product\n\nWhat it is.\n\n## Start\n")
    assert "| `hatch run dev` |" in text
    assert "| `hatch run docs` |" not in text
    assert "## Make it yours" not in text
    assert "under the MIT licence" in text
    assert (root / "CHANGELOG.md").read_text().endswith("## [Unreleased]\n")
