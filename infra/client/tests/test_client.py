"""What is said where Node.js is missing or old, and what of a reader's folder stays."""

import json
import os
from pathlib import Path

import pytest

from infra.client import __main__ as client
from infra.client import node

NODE = "#!/bin/sh\necho v18.20.4\n"


def test_without_node_a_sentence_says_what_is_needed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    code = client.main([str(tmp_path / "made")])

    assert code == 1
    assert capsys.readouterr().out.startswith("Node.js 20.19 or newer is needed")
    assert not (tmp_path / "made").exists()


@pytest.mark.skipif(os.name == "nt", reason="a shell script stands in for an old Node.js")
def test_an_old_node_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("node", "npm"):
        (tmp_path / name).write_text(NODE)
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert client.main(["--lint"]) == 1
    assert "this is v18.20.4" in capsys.readouterr().out


def test_a_file_is_no_place_for_a_client(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "made").write_text("mine")

    assert client.main([str(tmp_path / "made")]) == 1
    assert "is a file; name a folder" in capsys.readouterr().out
    assert (tmp_path / "made").read_text() == "mine"


def test_every_package_is_pinned_by_its_hash_and_brings_no_script() -> None:
    wanted = json.loads((node.HERE / "package.json").read_text())["devDependencies"]
    lock = json.loads((node.HERE / "package-lock.json").read_text())["packages"]
    template = json.loads((client.TEMPLATE / "package.json").read_text())

    assert all(version[0].isdigit() for version in wanted.values())
    assert lock.pop("")["devDependencies"] == wanted
    assert [name for name, one in lock.items() if "integrity" not in one] == []
    both = {**template["dependencies"], **template["devDependencies"]}
    assert both.items() <= wanted.items()


def test_the_document_says_which_fields_of_an_answer_are_there_and_names_pages_plainly() -> None:
    document = client.document()
    schemas = document["components"]["schemas"]

    assert set(schemas["Token"]["required"]) == {"access_token", "token_type"}
    read = [schema for name, schema in schemas.items() if name.endswith("Read")]
    assert [one["title"] for one in read if set(one["required"]) != set(one["properties"])] == []
    assert {"UserReadPage", "UserReadCursorPage"} <= set(schemas)
    assert [name for name in schemas if not name.replace("_", "").isalnum()] == []


def test_each_operation_says_whether_it_asks_who_is_calling() -> None:
    operations = {
        operation["operationId"]: operation
        for path, item in client.document()["paths"].items()
        if not path.startswith("/health")
        for operation in item.values()
    }

    assert [name for name, one in operations.items() if "security" not in one] == []
    assert operations["login"]["security"] == []
    assert operations["read_user_me"]["security"] == [{"bearer": []}]
