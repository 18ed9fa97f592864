"""What stands beside the stack: metrics, PgBouncer and backups, as a real compose reads them."""

from typing import Any

import pytest
import yaml  # type: ignore[import-untyped,unused-ignore]

from tests.compose_files import DEPLOYED, services, stack


@pytest.mark.parametrize("profile", ["staging", "production"])
def test_prometheus_reaches_web_and_worker_of_either_stack_and_nothing_else_does(
    profile: str,
) -> None:
    beside = stack(DEPLOYED, "observability")
    found = services(DEPLOYED, profile)
    [network] = beside["services"]["prometheus"]["networks"]

    assert beside["networks"][network]["internal"] is True
    assert set(beside["services"]["grafana"]["networks"]) == {network, "outside"}
    scraped = {name for name, service in found.items() if network in service["networks"]}
    runs_on = {name for name in found if name.startswith(("web", "worker"))}
    assert runs_on <= scraped <= runs_on | {name for name in found if name.startswith("seed")}
    for name in runs_on:
        assert found[name]["environment"]["METRICS_HOST"] == "0.0.0.0"  # noqa: S104
        assert name in beside["configs"]["prometheus"]["content"]


def test_what_prometheus_and_grafana_are_told_are_the_names_that_alerts_ask_by() -> None:
    configs = stack(DEPLOYED, "observability")["configs"]
    told = yaml.safe_load(configs["prometheus"]["content"])
    jobs = {job["job_name"]: job["dns_sd_configs"][0]["port"] for job in told["scrape_configs"]}
    source = yaml.safe_load(configs["grafana-source"]["content"])["datasources"][0]

    assert jobs == {"api": 9464, "worker": 9465}  # by these names alerts.yml asks
    assert source["url"] == "http://prometheus:9090"


def test_pgbouncer_stands_between_where_it_is_named_and_never_before_migrations() -> None:
    def way(found: dict[str, Any], name: str) -> tuple[str, str]:
        environment = found[name]["environment"]
        return environment["POSTGRES_SERVER"], environment["DATABASE_PGBOUNCER"]

    named = stack(DEPLOYED, "production", POOLER="pgbouncer")["services"]
    staging = stack(DEPLOYED, "staging", POOLER="pgbouncer")["services"]

    for name in ("web", "worker", "seed"):
        assert way(services(DEPLOYED, "production"), name) == ("db", "")
        assert way(named, name) == ("pgbouncer", "true")
    assert way(named, "migrate") == way(staging, "migrate-staging") == ("db", "")
    assert way(staging, "web-staging") == ("db", "")
    [pgbouncer] = services(DEPLOYED, "pgbouncer").values()
    assert [*pgbouncer["networks"]] == [*named["db"]["networks"]] == ["database"]


def test_what_backs_up_can_neither_own_the_tables_nor_open_a_backup() -> None:
    backup, restore = (
        services(DEPLOYED, "backup")["backup"],
        services(DEPLOYED, "restore")["restore"],
    )
    database = services(DEPLOYED, "production")["db"]

    assert {secret["source"] for secret in backup["secrets"]} == {
        "postgres_backup_password",
        "backup_recipient",
    }
    assert set(backup["networks"]) == set(database["networks"])
    assert (restore["network_mode"], restore.get("networks")) == ("none", None)
    assert [secret["source"] for secret in restore["secrets"]] == ["backup_identity"]
    # The same folder of backups; what is restored isn't where the database is.
    places = {volume["target"]: volume["source"] for volume in restore["volumes"]}
    assert places["/backups"] == backup["volumes"][0]["source"]
    assert places["/restored"] != database["volumes"][0]["source"]
    assert (
        "host replication backup" in stack(DEPLOYED, "production")["configs"]["pg-hba"]["content"]
    )
