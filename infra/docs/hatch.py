"""`hatch run ...` in a scratch copy: the same scripts, by the environment that is there already.

Making an environment for each copy would take longer than all pages do.
"""

import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

# They would change the environment, which isn't the copy's own.
REFUSED = ("lock", "sync")


def scripts(root: Path, verb: str) -> list[str] | None:
    """The lines behind a verb of hatch.toml; None for a program."""
    environment, _, name = verb.rpartition(":")
    named = tomllib.loads((root / "hatch.toml").read_text())["envs"]
    script = named.get(environment or "default", {}).get("scripts", {}).get(name)
    return [script] if isinstance(script, str) else script


def expand(line: str, arguments: Sequence[str], root: Path) -> str:
    """A line of hatch.toml as the shell gets it."""
    given = shlex.join(arguments)
    line = re.sub(r"\{args(?::([^}]*))?\}", lambda field: given or field[1] or "", line)
    uv = os.environ.get("HATCH_UV", "uv")
    line = line.replace("{root}", str(root)).replace("{/}", os.sep)
    return line.replace("{env:HATCH_UV}", uv)


def main(words: Sequence[str]) -> int:
    """Run it; the exit code is the command's."""
    root = Path.cwd()
    if words[:1] != ["run"] or len(words) < 2:
        print(f"hatch {shlex.join(words)}: only `hatch run` is known here", file=sys.stderr)
        return 2
    verb, *arguments = words[1:]
    if verb in REFUSED:
        print(f"hatch run {verb} would change the environment", file=sys.stderr)
        return 2
    lines = scripts(root, verb)
    if lines is None:
        return subprocess.run([verb, *arguments], check=False).returncode
    for line in lines:
        run = subprocess.run(expand(line, arguments, root), shell=True, check=False)  # noqa: S602
        if run.returncode:
            return run.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
