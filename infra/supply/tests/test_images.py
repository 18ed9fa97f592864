"""The images' pins, compared with a registry."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from infra.checks import ROOT
from infra.supply import images

DIGEST: dict[str, str | None] = {
    "library/postgres/18": "sha256:" + "a" * 64,
    "valkey/valkey/9": "sha256:" + "b" * 64,
}


class Registry(BaseHTTPRequestHandler):
    """Speaks what the OCI Distribution Specification asks of one, with tokens as Docker Hub has."""

    def do_GET(self) -> None:
        assert self.path.startswith("/token?service=registry&scope=repository%3A")
        self._answer(200, body=b'{"token": "a-token"}')

    def do_HEAD(self) -> None:
        address = f"http://127.0.0.1:{self.server.server_port}"  # type: ignore[attr-defined]
        _, _, *repository, manifests, tag = self.path.split("/")
        found = DIGEST.get("/".join([*repository, tag]))
        assert manifests == "manifests"
        if self.headers["Authorization"] != "Bearer a-token":
            scope = f"repository:{'/'.join(repository)}:pull"
            challenge = f'Bearer realm="{address}/token",service="registry",scope="{scope}"'
            self._answer(401, ("WWW-Authenticate", challenge))
        elif found == "":
            self._answer(200)
        elif found is None or "oci.image.index" not in self.headers["Accept"]:
            self._answer(404)
        else:
            self._answer(200, ("Docker-Content-Digest", found))

    def _answer(self, status: int, *headers: tuple[str, str], body: bytes = b"") -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing: it is a test's."""


@pytest.fixture
def registry() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Registry) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "infra").mkdir()
    (tmp_path / "compose.yaml").write_text("services:\n  db:\n    image: postgres:18\n")
    (tmp_path / "infra/compose.yml").write_text("x-redis:\n  image: valkey/valkey:9\n")
    (tmp_path / "infra/Dockerfile").write_text("FROM postgres:18 AS build\nRUN true\n")
    return tmp_path


def test_images_are_pinned_and_told_when_the_tag_means_another(
    tree: Path, registry: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    postgres = DIGEST["library/postgres/18"]

    before = images.main([], tree, registry)
    assert "postgres:18 isn't pinned" in capsys.readouterr().out
    images.main(["--update"], tree, registry)
    pinned = images.main([], tree, registry)
    assert (
        tree / "infra/Dockerfile"
    ).read_text() == f"FROM postgres:18@{postgres} AS build\nRUN true\n"
    assert "image: valkey/valkey:9@sha256:bbbb" in (tree / "infra/compose.yml").read_text()

    monkeypatch.setitem(DIGEST, "library/postgres/18", "sha256:" + "c" * 64)
    capsys.readouterr()
    behind = images.main([], tree, registry)
    assert "postgres:18 is behind: sha256:cccc" in capsys.readouterr().out
    images.main(["--update"], tree, registry)
    assert [before, pinned, behind, images.main([], tree, registry)] == [1, 0, 1, 0]


def test_a_registry_that_does_not_answer_is_told_from_images_that_are_behind(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = images.main([], tree, "http://127.0.0.1:9")

    assert code == images.NO_ANSWER
    assert "http://127.0.0.1:9 can't be asked" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("digest", "said"),
    [(None, "library/postgres has no tag 18"), ("", "answers without a digest")],
)
def test_a_registry_that_does_not_say_changes_no_file(
    tree: Path,
    registry: str,
    digest: str | None,
    said: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(DIGEST, "library/postgres/18", digest)
    before = (tree / "compose.yaml").read_text()

    assert images.main(["--update"], tree, registry) == images.NO_ANSWER
    assert said in capsys.readouterr().out
    assert (tree / "compose.yaml").read_text() == before


def test_every_image_of_this_checkout_is_found() -> None:
    names = {image.name for image in images.named(ROOT)}

    stores = {"postgres", "valkey/valkey", "edoburu/pgbouncer"}
    tools = {"dpage/pgadmin4", "prom/prometheus", "grafana/grafana"}
    assert names == {*stores, *tools, "nginx", "python"}


def test_every_image_of_this_checkout_is_pinned_by_its_digest() -> None:
    assert not [image for image in images.named(ROOT) if not images.DIGEST.fullmatch(image.digest)]
