"""Runs the blocks of a page, in order, in a scratch copy."""

import json
import re
import shlex
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml  # type: ignore[import-untyped,unused-ignore]

from infra.checks import ROOT
from infra.docs.blocks import Block, Command, commands_of
from infra.docs.comparing import excerpt_of, shows
from infra.docs.scratch import Scratch
from infra.docs.talking import Failed

SLOW = 5.0  # seconds that a block takes without a word in the report
DEV = re.compile(r"((?:\w+=(?:\"[^\"]*\"|\S*) )*)hatch run dev\b(.*)")
STAYS = re.compile(
    r"(?:\w+=\S+ )*hatch run (api|worker|uvicorn|python -m infra\.mail)\b.*"
    r"|python -m http\.server\b.*"
)
# What can't be run here whatever the page, and why.
ELSEWHERE = {
    r"docker ": "docker isn't everywhere; infra/tests judges the files of compose",
    r"(helm|kubectl) ": "there is no cluster; a drill renders the chart and judges it",
    r"(pip|pipx|uv) ": "it would change this machine",
    r"pre-commit ": "it isn't in the environment",
    r"curl -i http://localhost/": "the stack of compose isn't up",
    r"ssh ": "there is no other machine",
    r"git clone": "there is no other repository",
    r"hatch run (test|check|access|statements)\Z": "a gate of its own, and slow",
    r"hatch run (init|client|upgrade-from|backup)\b": "drills of their own run it",
    r"hatch run (bench|drill|images|supply|lock|sync|docs)\b": "slow, or needs a network",
}
WRITTEN = {"python", "toml", "ini", "dotenv", "js", "html", "json", "yaml", "sql", "text"}


@dataclass
class Report:
    """How many blocks ran, which took long, and which didn't run, with the reason."""

    ran: int = 0
    slow: list[str] = field(default_factory=list)
    not_run: list[str] = field(default_factory=list)


def run_page(blocks: list[Block], scratch: Scratch) -> Report:
    """Run all blocks. Raises Failed with the place of the first that is wrong."""
    report = Report()
    for block in blocks:
        started = time.monotonic()
        try:
            reasons = list(_run(block, scratch))
        except Failed as failed:
            raise Failed(f"{block.place}: {failed}") from None
        if (seconds := time.monotonic() - started) > SLOW:
            report.slow.append(f"{block.place}: {seconds:.0f} s")
        report.ran += not reasons
        report.not_run += [f"{block.place}: {reason}" for reason in reasons]
    return report


def _run(block: Block, scratch: Scratch) -> Iterator[str]:
    """Run a block; yields why, for what isn't run."""
    if block.not_run:
        yield block.not_run
    elif block.run_by:
        yield f"{block.run_by} runs it"
    elif block.language == "console":
        commands = [Command(block.code.strip())] if block.hidden else commands_of(block.code)
        for command in commands:
            if why := elsewhere(command.line):
                yield f"{command.line.splitlines()[0]} ({why})"
            else:
                _run_command(command, scratch)
    elif block.title and block.language in WRITTEN:
        _write(block, scratch)
    elif block.language == "python":
        scratch.python(block.code, block.place)
    elif block.language == "sql":
        _run_command(Command(f"hatch run psql -c {shlex.quote(block.code)}"), scratch)
    elif block.language == "json":
        json.loads(block.code)
    elif block.language == "yaml":
        yaml.safe_load(block.code)
    elif block.language not in ("text", ""):
        raise Failed(f"a block of {block.language} needs a title or `<!-- run by: a test -->`")


def elsewhere(line: str) -> str:
    """Why a command is run nowhere; empty for one that is."""
    return next((why for pattern, why in ELSEWHERE.items() if re.match(pattern, line)), "")


def _run_command(command: Command, scratch: Scratch) -> None:
    if dev := DEV.fullmatch(command.line):
        settings = dict(pair.split("=", 1) for pair in shlex.split(dev[1]))
        output = scratch.there(scratch.start_dev(dev[2], settings))
    elif STAYS.fullmatch(command.line):
        output = scratch.in_background(command.line, command.output)
    else:
        code, output = scratch.command(command.line)
        if code:
            raise Failed(f"`{command.line}` ends with {code}:\n{output}")
    if not shows(command.output, output):
        raise Failed(f"`{command.line}` shows\n{output}\n\ninstead of\n{command.output}")


def _write(block: Block, scratch: Scratch) -> None:
    """Write the file that a block names, or hold the block to the file that is there."""
    file = scratch.root / block.file
    if (ROOT / block.file).is_file() and not block.adds:
        if line := excerpt_of(block.code, file.read_text()):
            raise Failed(f"{block.file} has no such line, or not in this order: {line}")
        return
    before = file.read_text() if block.adds else ""
    scratch.write(block.file, before + ("\n\n" if before else "") + block.code)
