"""The code blocks of a page, as its drill runs them.

Comments above a block, which readers don't see: `<!-- not run: why -->`; `<!-- run by: file -->`, a
test that takes the code from the page; `<!-- setup: python`, with code that prepares what follows.
One anywhere says which features the page is about, `<!-- needs: roles -->`: without them, its
blocks aren't run.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from infra.checks import ROOT

TITLE = re.compile(r'title="([^"]+)"')
NOT_RUN = re.compile(r"<!--\s*not run:\s*(.*?)\s*-->", re.DOTALL)
RUN_BY = re.compile(r"<!--\s*run by:\s*(\S+)\s*-->")
SETUP = re.compile(r"<!--\s*setup: (\w+)\n(.*?)-->", re.DOTALL)
NEEDS = re.compile(r"<!--\s*needs:\s*([\w, ]+?)\s*-->")
FEATURE = re.compile(r"\bfeatures[./](\w+)")
ADD = "add to "


@dataclass(frozen=True)
class Block:
    """A fenced block: what it is written in, what it is called, and why it isn't run."""

    page: str
    line: int
    language: str
    code: str
    title: str = ""
    not_run: str = ""
    run_by: str = ""
    hidden: bool = False

    @property
    def place(self) -> str:
        """Where it stands, as an editor takes it."""
        return f"{self.page}:{self.line}"

    @property
    def file(self) -> str:
        """The path that its title names; empty where it names none."""
        return self.title.removeprefix(ADD)

    @property
    def adds(self) -> bool:
        """Whether it stands behind what the file has already."""
        return self.title.startswith(ADD)


@dataclass(frozen=True)
class Command:
    """A command line of a console block, and what it prints, if the block shows it."""

    line: str
    output: str = ""


def blocks_of(path: Path, page: str) -> list[Block]:
    """The blocks of a Markdown file, in order."""
    found: list[Block] = []
    not_run = run_by = ""
    for token in _tokens(MarkdownIt().parse(path.read_text())):
        line = (token.map or [0])[0] + 1
        if token.type == "html_block":
            for language, code in SETUP.findall(token.content):
                found.append(Block(page, line, language, code, hidden=True))
            if reason := NOT_RUN.search(token.content):
                not_run = " ".join(reason[1].split())
            if runner := RUN_BY.search(token.content):
                run_by = runner[1]
            continue
        language, _, rest = token.info.partition(" ")
        title = TITLE.search(rest)
        named = title[1] if title else ""
        found.append(Block(page, line, language, token.content, named, not_run, run_by))
        not_run = run_by = ""
    return found


def code_run_by(test: Path) -> str:
    """The code that pages leave to this test file."""
    pages = sorted((ROOT / "docs").rglob("*.md"))
    blocks = (block for page in pages for block in blocks_of(page, page.name))
    found = [block.code for block in blocks if (ROOT / block.run_by).resolve() == test.resolve()]
    assert found, f"no page says <!-- run by: {test} -->"
    return "\n".join(found)


def needs_of(path: Path, page: str) -> set[str]:
    """The features that the page says it needs, and those that its blocks name, new ones too."""
    said = NEEDS.findall(path.read_text())
    code = "\n".join(f"{block.title}\n{block.code}" for block in blocks_of(path, page))
    return {name.strip() for names in said for name in names.split(",")} | {*FEATURE.findall(code)}


def _tokens(tokens: list[Token]) -> Iterator[Token]:
    return (token for token in tokens if token.type in ("fence", "html_block"))


def commands_of(code: str) -> list[Command]:
    """The commands of a console block.

    With prompts (`$ `, and `> ` on lines that go on) the other lines are output; without, all
    lines are commands. A backslash at its end continues a line.
    """
    lines = code.splitlines()
    if not any(line.startswith("$ ") for line in lines):
        whole = re.sub(r"\\\n\s*", "", code)
        return [Command(line.strip()) for line in whole.splitlines() if _is_command(line)]
    found: list[Command] = []
    for line in lines:
        if line.startswith("$ "):
            found.append(Command(line[2:]))
        elif line.startswith("> ") or (found and found[-1].line.endswith("\\")):
            found[-1] = Command(f"{found[-1].line}\n{line.removeprefix('> ')}")
        elif found:
            found[-1] = Command(found[-1].line, f"{found[-1].output}{line}\n")
    return found


def _is_command(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")
