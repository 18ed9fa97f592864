"""A hook of mkdocs: the root's documents and the API become pages; links lead to pages.

Run by mkdocs in an environment of its own, so it imports nothing that needs a package of ours.
"""

import posixpath
import re
import tomllib
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File
from openapidocs.mk.v3 import OpenAPIV3DocumentationHandler

from infra.contract.recorded import assembled, recorded

ROOT = Path(__file__).parents[2]
# Documents of the root, by the page that each becomes.
PAGES = {
    "README.md": "index.md",
    "ARCHITECTURE.md": "architecture.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
}
SOURCES = {page: name for name, page in PAGES.items()}
API = "api.md"
# What it says beneath each example, those that the schemas give included.
GENERATED = re.compile(r"(?m)^.*This example has been generated automatically.*$\n")
LINK = re.compile(r"\[([^\[\]]*)\]\(([^)#\s]+)(#[^)\s]*)?\)")


def on_config(config: Any) -> Any:
    """Name the site after the README."""
    config["site_name"] = (ROOT / "README.md").read_text().partition("\n")[0].removeprefix("# ")
    return config


def on_files(files: Any, config: Any) -> Any:
    """Add the pages that don't lie in docs/."""
    for name, page in PAGES.items():
        files.append(File.generated(config, page, abs_src_path=str(ROOT / name)))
    files.append(File.generated(config, API, content=api()))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Let relative links lead to the page that a file has become."""
    return linked(markdown, page.file.src_uri)


def linked(markdown: str, page: str) -> str:
    """The text of that page, its links to files of this checkout made links to pages.

    A file that is no page is named, and not linked. A link that leads nowhere stays, for mkdocs to
    refuse.
    """
    source = SOURCES.get(page, f"docs/{page}")

    def replace(link: re.Match[str]) -> str:
        words, target, anchor = link[1], link[2], link[3] or ""
        if "://" in target or target.startswith("mailto:"):
            return link[0]
        path = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
        if path.startswith("docs/") and path.endswith(".md"):
            to = path.removeprefix("docs/")
        elif path in PAGES:
            to = PAGES[path]
        else:
            return words if (ROOT / path).exists() else link[0]
        return f"[{words}]({posixpath.relpath(to, posixpath.dirname(page) or '.')}{anchor})"

    return LINK.sub(replace, markdown)


def api() -> str:
    """The page of the API, from the recorded OpenAPI document."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    document = assembled(recorded(ROOT))
    document["info"] = {"title": "The API", "version": project["version"]}
    handler = OpenAPIV3DocumentationHandler(document, style="MKDOCS", source=str(ROOT))
    text: str = handler.write()
    return GENERATED.sub("", text)
