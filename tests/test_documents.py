"""The documents tell the truth: commands have targets, paths and links lead somewhere."""

import re
import shlex
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest

from infra.checks import ROOT
from infra.checks.kinds import ENTRY_POINTS
from infra.docs.blocks import blocks_of, commands_of

DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
HATCH = tomllib.loads((ROOT / "hatch.toml").read_text())["envs"]
README_LINES = 120
OPTING_OUT = ROOT / "docs" / "opting-out.md"
# Programs that are there before this project is, or that the reader may have.
OUTSIDE = {"cd", "curl", "docker", "export", "git", "install", "mkdir", "pip", "pipx", "pre-commit"}
OUTSIDE |= {"helm", "kubectl", "rm", "ssh", "touch", "uv", "uvx"}
# In running text a command line is told from the mere name of an option, such as `arq --watch`.
COMMAND = re.compile(r"hatch run \w|uvicorn \w+\.\w+:|arq \w+\.|docker compose .")
# Paths that other projects have, or that appear when the program runs.
ELSEWHERE = {
    ".dev/",
    "dist/client",
    ".env",
    "infra/secrets",
    "infra/secrets/",
    "infra/secrets/production",
    "site/",
}
ELSEWHERE |= {"src/", "src/.env", "api/v1/...", "api/v1/tasks/task"}


def spans(text: str) -> list[str]:
    """Inline code outside of fenced blocks."""
    return re.findall(r"`([^`\n]+)`", without_blocks(text))


def without_blocks(text: str) -> str:
    """The text without its fenced blocks and comments."""
    return re.sub(r"(?ms)^ *```.*?^ *```$|<!--.*?-->", "", text)


def commands(path: Path) -> list[str]:
    """Command lines: those of console blocks, and inline code that begins like one."""
    blocks = [block for block in blocks_of(path, path.name) if block.language == "console"]
    # Where commands stand behind prompts, the drill of the documentation runs them.
    shown = [block for block in blocks if not block.hidden and not block.code.startswith("$ ")]
    lines = [command.line for block in shown for command in commands_of(block.code)]
    return lines + [span for span in spans(path.read_text()) if COMMAND.match(span)]


def missing(command: str) -> str | None:
    """What the command line needs and this checkout lacks."""
    match shlex.split(command, comments=True):
        case ["hatch", "run", verb, *arguments]:
            env, _, name = verb.rpartition(":")
            # An environment without scripts of its own has those of the default one.
            if name in HATCH[env or "default"].get("scripts", HATCH["default"]["scripts"]):
                paths = [word for word in arguments if "/" in word and not word.startswith("-")]
                return next((path for path in paths if not (ROOT / path).exists()), None)
            return missing(shlex.join([verb, *arguments]))
        case ["python", "-m", module, *_]:
            ours = module_file(module) or module.partition(".")[0] in sys.stdlib_module_names
            return None if ours else module
        case ["uvicorn" | "arq", target, *_] if target != "--help":
            module, _, name = target.replace(":", ".").rpartition(".")
            file = module_file(module)
            return None if file and re.search(rf"\b{name}\b", file.read_text()) else target
        case ["docker", "compose", *words]:
            named = words[words.index("-f") + 1] if "-f" in words else "compose.yaml"
            return None if (ROOT / named).exists() else named
        case ["cp", source, *_]:
            return None if (ROOT / source).exists() else source
        case [program, *_] if program in OUTSIDE:
            return None
        case [program, *_]:
            path = ROOT / program if "/" in program else Path(sys.executable).with_name(program)
            return None if path.exists() else program
    return None


def module_file(module: str) -> Path | None:
    path = module.replace(".", "/")
    for root in (ROOT, ROOT / "platform"):
        for file in (root / f"{path}.py", root / path / "__main__.py"):
            if file.exists():
                return file
    return None


def tree() -> list[tuple[str, str]]:
    """Path and remark of each line of the README's annotated tree."""
    [block] = re.findall(r"(?ms)^```text\n(platform/.*?)^```$", (ROOT / "README.md").read_text())
    parents: list[str] = []
    entries = []
    for line in block.splitlines():
        name, _, remark = line.strip().partition("  ")
        del parents[(len(line) - len(line.lstrip())) // 2 :]
        parents.append(name)
        entries.append(("".join(parents), remark.strip()))
    return entries


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_each_command_has_its_target(document: Path) -> None:
    lacking = {line: missing(line) for line in commands(document)}

    assert {line: what for line, what in lacking.items() if what} == {}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_each_link_leads_to_a_file(document: Path) -> None:
    prose = re.sub(r"`[^`\n]+`", "", without_blocks(document.read_text()))
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", prose)

    files = [link for link in links if "://" not in link]
    assert [link for link in files if not (document.parent / link).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_each_path_exists(document: Path) -> None:
    """`features/<name>/x.py` stands for any feature; a bare `x.py` for a file of that name."""
    path = re.compile(r"(?=.*(/|\.(py|toml|md|lock|example)$))\.?[\w<>*.-]+(/[\w<>*.-]+)*/?")
    text = document.read_text()
    if document.name == "coming-from.md":  # its first column is another project's
        text = re.sub(r"(?m)^\|[^|]+\|", "|", text)
    named = [span for span in spans(text) if path.fullmatch(span)]

    patterns = [re.sub(r"<\w+>", "*", span) for span in named if span not in ELSEWHERE]
    assert [name for name in patterns if not found(name)] == []


def found(pattern: str) -> bool:
    if any(ROOT.glob(pattern)) or was_removed(pattern):
        return True
    rooms = ("features", "platform/kernel", "workers")
    return "/" not in pattern and any(any((ROOT / room).rglob(pattern)) for room in rooms)


def was_removed(path: str) -> bool:
    """Whether it belonged to a feature that was taken away: what it was an example of stays true.

    One of docs/opting-out.md, or one whose removal a revision bears in its name."""
    folder, _, rest = path.partition("/")
    feature, _, file = rest.partition("/")
    if (folder, feature) == ("features", "*"):  # no feature has such a file any more
        return file.partition("/")[0].removesuffix(".py") in ENTRY_POINTS
    if folder != "features" or (ROOT / folder / feature).exists():
        return False
    removals = (ROOT / "migrations" / "versions").glob(f"*_remove_{feature}*.py")
    may_go = re.search(r"(?s)Nothing depends on (.*?)\. Everything else", OPTING_OUT.read_text())
    return any(removals) or (may_go is not None and f"`{feature}`" in may_go[1])


def test_a_document_may_name_what_was_removed_and_nothing_made_up() -> None:
    assert not was_removed("features/users/models.py")
    assert not found("features/inventions/models.py")


def verbs(document: str) -> list[str]:
    return re.findall(r"(?m)^\| `hatch run ([\w:-]+)", (ROOT / document).read_text())


def test_the_page_of_commands_lists_each_verb_once_and_no_other() -> None:
    rows = verbs("docs/commands.md")

    in_other_environments = [row for row in rows if ":" in row]
    assert sorted(set(rows) - set(in_other_environments)) == sorted(HATCH["default"]["scripts"])
    assert len(rows) == len(set(rows))
    for row in in_other_environments:
        environment, _, verb = row.partition(":")
        assert verb in HATCH[environment]["scripts"]
    assert set(verbs("README.md")) <= set(rows)
    assert len((ROOT / "README.md").read_text().splitlines()) <= README_LINES


def test_each_verb_starts_something_that_exists() -> None:
    scripts = [script for env in HATCH.values() for script in env.get("scripts", {}).values()]
    lines = [
        line for script in scripts for line in ([script] if isinstance(script, str) else script)
    ]
    modules = re.findall(r"python -m ([\w.]+)", "\n".join(lines))

    # Some start a package, such as coverage.
    assert [name for name in modules if not (module_file(name) or find_spec(name))] == []


def test_each_dependency_has_its_reason_in_the_decision_about_packages() -> None:
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())
    groups = [pyproject["project"]["dependencies"], *pyproject["dependency-groups"].values()]
    names = {
        re.split(r"[^\w-]", line)[0] for group in groups for line in group if isinstance(line, str)
    }

    text = (ROOT / "docs/decisions/0005-packages.md").read_text()
    assert {name for name in names if not re.search(rf"(?<![\w-]){name}(?![\w-])", text)} == set()


def test_the_hooks_before_a_commit_have_their_targets() -> None:
    entries = re.findall(r"entry: (.*)", (ROOT / ".pre-commit-config.yaml").read_text())

    assert entries
    assert [entry for entry in entries if missing(entry)] == []


def test_the_tree_begins_with_what_is_unusual_and_names_only_what_exists() -> None:
    entries = tree()

    assert entries[0][0] == "platform/"
    assert "source root" in entries[0][1]
    assert "`kernel`" in entries[0][1]
    assert [path for path, _ in entries if not (ROOT / path).exists()] == []


@pytest.mark.parametrize(
    ("command", "lacking"),
    [
        ("hatch run nothing", "nothing"),
        ("hatch run test tests/no_such_file.py", "tests/no_such_file.py"),
        ("hatch run python -m infra.nothing", "infra.nothing"),
        ("uvicorn kernel.nothing:app", "kernel.nothing:app"),
        ("no-such-program --now", "no-such-program"),
        ("cp no-such-file .env", "no-such-file"),
        ("docker compose -f infra/no-such.yml up", "infra/no-such.yml"),
    ],
)
def test_a_command_without_a_target_is_seen(command: str, lacking: str) -> None:
    assert missing(command) == lacking
