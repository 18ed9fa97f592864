"""Tests of the servers under the tests: whose databases they use, and what they leave."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
import redis

from infra.checks import ROOT
from infra.local import databases, templates
from infra.local.errors import LocalError
from infra.local.postgres import start_postgres
from infra.local.testing import Host, UnknownFeature, chosen, take_external
from infra.local.valkey import start_valkey
from infra.local.worker_servers import own_database, own_redis


def ask(url: str, statement: str) -> object:
    async def run() -> object:
        async with databases.connected(url) as connection:
            return await connection.fetchval(statement)

    return asyncio.run(run())


def test_an_external_server_gets_databases_of_our_own_that_go_again(tmp_path: Path) -> None:
    server = start_postgres(tmp_path, durable=False)
    asyncio.run(databases.ensure(server.url, "theirs"))
    ask(server.url_of("theirs"), "create table precious as select 1 as a")
    host = Host({"DATABASE_URL": server.url_of("theirs")})

    with own_database(host.offer(), "gw0") as ours:
        during = asyncio.run(databases.names(server.url, ""))
        tables = ask(ours.url, "select count(*) from alembic_version")
        ours.clear()
    host.close()

    after = asyncio.run(databases.names(server.url, ""))
    assert len(set(during) - set(after)) == 2
    assert sorted(after) == ["postgres", "template0", "template1", "theirs"]
    assert tables is not None
    assert ask(server.url_of("theirs"), "select count(*) from precious") == 1
    server.stop()


@pytest.mark.parametrize("role", ["superuser", "nosuperuser"])
def test_clearing_deletes_all_rows_whatever_refers_to_them(tmp_path: Path, role: str) -> None:
    server = start_postgres(tmp_path, durable=False)
    ask(server.url, f"create role tester login createdb {role} password 'secret'")
    url = server.url.replace(f"postgres:{server.secret}", "tester:secret")
    host = Host({"DATABASE_URL": url})
    with own_database(host.offer(), "gw0") as database:
        ask(database.url, "create table parent (id int primary key)")
        ask(database.url, "create table child (id int references parent)")
        ask(database.url, "insert into parent values (1)")
        ask(database.url, "insert into child values (1)")

        database.clear()

        assert ask(database.url, "select count(*) from parent, child") == 0
        assert ask(database.url, "select count(*) from alembic_version") is not None
    host.close()
    server.stop()


@pytest.mark.drill
@pytest.mark.parallel
def test_two_runs_at_once_share_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEV_DATA_DIR", str(tmp_path))
    first, second = Host({}), Host({})

    offers = [first.offer(), second.offer()]

    assert "error" not in offers[0] | offers[1]
    with own_database(offers[0], "gw0") as one, own_database(offers[1], "gw0") as other:
        assert one.url != other.url
    first.close()
    second.close()


def test_the_template_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEV_DATA_DIR", str(tmp_path))
    first = Host({})
    first.offer()
    first.close()
    monkeypatch.setattr(templates, "make_template", None)
    second = Host({})

    with own_database(second.offer(), "gw0") as database:
        assert ask(database.url, "select count(*) from alembic_version") is not None

    second.close()


def test_a_template_is_made_of_the_one_before_where_revisions_were_only_added(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEV_DATA_DIR", str(tmp_path))
    files = dict(templates.migrations())
    *_, last = [path for path in files if path.startswith(templates.VERSIONS)]
    marked = []
    for present in (
        {path: digest for path, digest in files.items() if path != last},
        files,
        {**files, last: "edited"},
    ):
        monkeypatch.setattr(templates, "migrations", lambda present=present: present)
        host = Host({})
        offer = host.offer()
        template = f"{offer['admin'].rpartition('/')[0]}/{offer['template']}"
        marked.append(ask(template, "select to_regclass('marker') is not null"))
        ask(template, "create table if not exists marker ()")
        kept = asyncio.run(databases.names(offer["admin"], templates.PREFIX))
        host.close()

        assert kept == [offer["template"]]
    assert marked == [False, True, False]


def test_without_a_server_only_those_tests_fail_that_need_one() -> None:
    host = Host({"DATABASE_URL": "postgresql://unknown@127.0.0.1:1/none"})

    offer = host.offer()

    with pytest.raises(LocalError, match="no database for tests"), own_database(offer, "gw0"):
        pass
    host.close()


def test_processes_find_unused_redis_databases(tmp_path: Path) -> None:
    server = start_valkey(tmp_path, durable=False)
    named = [server.url_of(15), server.url_of(14)]
    used = redis.Redis.from_url(server.url_of(13))
    used.set("precious", 1)
    offer = {"REDIS_URL": named[0], "REDIS_NAMED": " ".join(named)}

    with own_redis(offer, "gw0") as one, own_redis(offer, "gw1") as other:
        one.clear()
        urls = [one.url, other.url]
    with own_redis(offer, "gw2") as later:
        urls.append(later.url)

    assert urls == [server.url_of(12), server.url_of(11), server.url_of(12)]
    assert used.get("precious") == b"1"
    server.stop()


def test_no_test_can_reach_what_the_environment_names() -> None:
    environment = {
        "DATABASE_URL": "postgresql://db/named",
        "REDIS_CACHE_URL": "off",
        "REDIS_QUEUE_URL": "redis://r/2",
        "POSTGRES_SERVER": "db",
        "HOME": "/",
    }

    external = take_external(environment)

    assert environment == {"HOME": "/"}
    assert external["DATABASE_URL"] == "postgresql://db/named"
    assert external["REDIS_URL"] == "redis://r/2"


@pytest.mark.parametrize(
    ("words", "paths", "features"),
    [
        (["users"], ["features/users", "tests/gates"], ["users"]),
        (["users", "auth"], ["features/users", "features/auth", "tests/gates"], ["users", "auth"]),
        (["tests/gates/test_lists.py", "users"], ["tests/gates/test_lists.py"], ["users"]),
        (["tests", "a/b.py", "no_test.py"], ["tests", "a/b.py", "no_test.py"], []),
    ],
)
def test_a_feature_is_tested_by_its_name_and_with_its_gates(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    words: list[str],
    paths: list[str],
    features: list[str],
) -> None:
    for folder in ("features/users", "features/auth", "tests"):
        (tmp_path / folder).mkdir(parents=True)
    monkeypatch.setattr("infra.local.testing.ROOT", tmp_path)

    found, named = chosen(words, tmp_path)

    assert [path.removeprefix(f"{tmp_path}/") for path in found] == paths
    assert named == features


def test_a_name_that_is_no_features_is_refused_with_the_list(tmp_path: Path) -> None:
    with pytest.raises(UnknownFeature, match=r"no feature user\. There are .*, users\b.*\.$"):
        chosen(["user"], tmp_path)


@pytest.mark.drill
@pytest.mark.parallel
def test_the_gates_of_a_feature_are_collected_with_it_and_those_of_others_are_not() -> None:
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "users"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)

    gates = [line for line in run.stdout.splitlines() if line.startswith("tests/gates/")]
    # And whatever gate comes later, or goes with a part that a product does without.
    assert {line.split("::")[0].rpartition("/")[2] for line in gates} >= {
        "test_access_table.py",
        "test_env_example.py",
        "test_lists.py",
        "test_openapi.py",
        "test_paging.py",
        "test_refusals.py",
        "test_stale_caches.py",
        "test_statements.py",
    }
    assert all(line.endswith(("[users]", "-users]")) for line in gates)
    assert "features/users/tests/" in run.stdout
