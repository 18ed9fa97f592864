"""`hatch run client [FOLDER]`: write the client there; `--lint`: judge the document only."""

import argparse
import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from infra.checks import ROOT
from infra.client import node
from infra.contract import recorded
from infra.local.errors import LocalError
from kernel.config.loader import project

TEMPLATE = node.HERE / "template"
FOLDER = "dist/client"
# Whether a field is there is said by `required` alone; aliases for the schemas beside the document.
OPTIONS = ["--default-non-nullable=false", "--alphabetize"]
HEAD = "// Written by `hatch run client` from the OpenAPI document; written over by the next run.\n"
NOTHING = "No OpenAPI document is recorded: hatch run openapi"


def document() -> recorded.Json:
    """The recorded document, with the project's name and version.

    Raises LocalError when none is recorded.
    """
    whole = recorded.assembled(recorded.recorded())
    if not whole["paths"]:
        raise LocalError(NOTHING)
    whole["info"] = {"title": project()["name"], "version": project()["version"]}
    return whole


def write(folder: Path) -> list[Path]:
    """Write the client; package.json and tsconfig.json that are there stay. The files written.

    Raises LocalError when Node.js is missing or the document can't be read.
    """
    if folder.exists() and not folder.is_dir():
        raise LocalError(f"{folder} is a file; name a folder.")
    tools = node.tools()
    with TemporaryDirectory(prefix="client-") as scratch:
        made = Path(scratch) / "client"
        shutil.copytree(TEMPLATE, made)
        source = Path(scratch) / "openapi.json"
        source.write_text(json.dumps(document()))
        schema = made / "src" / "schema.ts"
        command = node.program(tools, "openapi-typescript")
        node.run([*command, str(source), "--output", str(schema), *OPTIONS], tools)
        for file in (schema, made / "src" / "client.ts"):
            file.write_text(HEAD + file.read_text())
        package = made / "package.json"
        package.write_text(_named(package.read_text()))
        return list(_placed(made, folder))


def _named(package: str) -> str:
    values = {**json.loads(package), "name": f"{project()['name']}-client"}
    return json.dumps({**values, "version": project()["version"]}, indent=2) + "\n"


def _placed(made: Path, folder: Path) -> Sequence[Path]:
    written = []
    for file in sorted(path for path in made.rglob("*") if path.is_file()):
        target = folder / file.relative_to(made)
        if target.parent == folder and target.exists():
            continue  # the reader's own by now
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, target)
        written.append(target)
    return written


def lint() -> str:
    """What the linter says of the document; empty when it has nothing to say.

    Raises LocalError when Node.js is missing.
    """
    tools = node.tools()
    with TemporaryDirectory(prefix="openapi-") as scratch:
        source = Path(scratch) / "openapi.json"
        source.write_text(json.dumps(document(), indent=1))
        command = [*node.program(tools, "redocly"), "lint", str(source)]
        options = ["--config", str(node.HERE / "redocly.yaml"), "--format", "json"]
        said = node.run([*command, *options], tools, failing=True)
    start = said.find('{\n  "totals"')
    if start < 0:
        raise LocalError(f"The linter gives no verdict:\n{said}")
    found = json.JSONDecoder().raw_decode(said[start:])[0]["problems"]
    return "\n".join(
        f"{one['severity']}: {one['location'][0].get('pointer', '')} "
        f"{one['message']} ({one['ruleId']})"
        for one in found
    )


def main(words: Sequence[str] | None = None) -> int:
    """Write or judge; the exit code is 1 when that fails."""
    parser = argparse.ArgumentParser(prog="hatch run client", description=__doc__)
    parser.add_argument("folder", nargs="?", default=FOLDER, help=f"by default {FOLDER}")
    parser.add_argument("--lint", action="store_true", help="judge the OpenAPI document only")
    given = parser.parse_args(words)
    try:
        if given.lint:
            said = lint()
            print(said or "The linter has nothing to say of the OpenAPI document.")
            return 1 if said else 0
        written = write((ROOT / given.folder).resolve())
    except LocalError as error:
        print(error)
        return 1
    print("Written:", *written, "docs/client.md says how it is used.", sep="\n  ")
    return 0


if __name__ == "__main__":
    sys.exit(main())
