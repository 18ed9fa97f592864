"""`hatch run images [--update]`: whether the images are pinned to what their tags mean today.

A registry is asked by the OCI Distribution Specification. Exit codes: 0 all are; 1 one is behind or
not pinned; 3 no registry answers.
"""

import argparse
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx2

from infra.checks import ROOT

FILES = ("compose.yaml", "infra/compose.yml", "infra/Dockerfile", "infra/backup/Dockerfile")
IMAGE = re.compile(
    r"(?m)^(?P<before>\s*image: |FROM )(?P<name>[\w./-]+):(?P<tag>[\w.-]+)"
    r"(?P<digest>@sha256:\w{64})?"
)
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
REGISTRY = "https://registry-1.docker.io"
# An index names the image of each architecture; its digest stands for all of them.
ACCEPT = ", ".join(
    f"application/vnd.{kind}+json"
    for kind in (
        "oci.image.index.v1",
        "docker.distribution.manifest.list.v2",
        "oci.image.manifest.v1",
    )
)
NO_ANSWER = 3


@dataclass(frozen=True)
class Image:
    """A tag as a file names it, and the digest that it is pinned to."""

    name: str
    tag: str
    digest: str = ""


def main(words: Sequence[str] | None = None, root: Path = ROOT, registry: str = REGISTRY) -> int:
    """Compare, or write the digests of today; the result is the exit code."""
    parser = argparse.ArgumentParser("hatch run images", description=__doc__)
    parser.add_argument("--update", action="store_true", help="pin each to what its tag means now")
    update: bool = parser.parse_args(words).update
    images = sorted(set(named(root)), key=lambda image: (image.name, image.tag))
    try:
        with httpx2.Client(base_url=registry, timeout=20, follow_redirects=True) as client:
            digests = {(one.name, one.tag): digest_of(client, one) for one in images}
    except httpx2.HTTPError as error:
        print(f"{registry} can't be asked what the tags mean: {error or type(error).__name__}")
        return NO_ANSWER
    if update:
        pin(root, digests)
        print(f"pinned {len(digests)} images")
        return 0
    problems = [problem for one in images if (problem := compare(one, digests))]
    print(*problems or ["all images are what their tags mean"], sep="\n")
    return 1 if problems else 0


def named(root: Path) -> list[Image]:
    """The images that are pulled, in the order of the files."""
    found = []
    for file in _files(root):
        for match in IMAGE.finditer((root / file).read_text()):
            digest = (match["digest"] or "").removeprefix("@")
            found.append(Image(match["name"], match["tag"], digest))
    return found


def _files(root: Path) -> list[str]:
    return [file for file in FILES if (root / file).is_file()]


def compare(image: Image, digests: dict[tuple[str, str], str]) -> str | None:
    """What is wrong with the image's pin."""
    today = digests[image.name, image.tag]
    if image.digest == today:
        return None
    state = f"is behind: {today}" if image.digest else f"isn't pinned: {today}"
    return f"{image.name}:{image.tag} {state}; hatch run images --update"


def digest_of(client: httpx2.Client, image: Image) -> str:
    """What the tag means now. Raises httpx2.HTTPError when the registry doesn't say."""
    repository = image.name if "/" in image.name else f"library/{image.name}"
    path = f"/v2/{repository}/manifests/{image.tag}"
    headers = {"Accept": ACCEPT}
    answer = client.head(path, headers=headers)
    if answer.status_code == 401:
        headers["Authorization"] = f"Bearer {_token(client, answer)}"
        answer = client.head(path, headers=headers)
    if answer.status_code == 404:
        raise httpx2.HTTPError(f"{repository} has no tag {image.tag}")
    answer.raise_for_status()
    digest: str = answer.headers.get("docker-content-digest", "")
    if not DIGEST.fullmatch(digest):
        raise httpx2.HTTPError(f"{answer.url} answers without a digest")
    return digest


def _token(client: httpx2.Client, refusal: httpx2.Response) -> str:
    challenge = dict(re.findall(r'(\w+)="([^"]*)"', refusal.headers.get("www-authenticate", "")))
    given = {name: value for name, value in challenge.items() if name != "realm"}
    answer = client.get(challenge.get("realm", ""), params=given)
    answer.raise_for_status()
    try:
        body = answer.json()
        return str(body.get("token") or body["access_token"])
    except (ValueError, AttributeError, KeyError):
        raise httpx2.HTTPError(f"{answer.url} answers without a token") from None


def pin(root: Path, digests: dict[tuple[str, str], str]) -> None:
    """Write each tag's digest behind it: the digest is pulled, the tag is for people."""
    for file in _files(root):
        text = (root / file).read_text()
        pinned = IMAGE.sub(
            lambda match: (
                f"{match['before']}{match['name']}:{match['tag']}"
                f"@{digests[match['name'], match['tag']]}"
            ),
            text,
        )
        (root / file).write_text(pinned)


if __name__ == "__main__":
    sys.exit(main())
