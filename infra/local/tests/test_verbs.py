"""Tests of the verbs in hatch.toml that start servers or stay in the foreground."""

import tomllib

from kernel.config.loader import ROOT


def test_windows_has_every_verb_without_exec() -> None:
    default = tomllib.loads((ROOT / "hatch.toml").read_text())["envs"]["default"]
    with_exec = {
        name: line.removeprefix("exec ")
        for name, line in default["scripts"].items()
        if isinstance(line, str) and line.startswith("exec ")
    }

    overridden = default["overrides"]["platform"]["windows"]["scripts"]

    assert dict(line.split("=", 1) for line in overridden) == with_exec
