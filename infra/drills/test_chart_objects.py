"""Each object of the rendered Helm chart: who selects whom, what it may do, what it is shown."""

import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml  # type: ignore[import-untyped,unused-ignore]

from infra.drills.charts import SETS, Object, Rendered, probes_of
from infra.env_example import groups
from kernel.config.loader import Settings
from kernel.config.observability import ObservabilitySettings
from kernel.observability.exposition import served
from kernel.web import health

pytest_plugins = ["infra.drills.chart_fixtures"]
pytestmark = [pytest.mark.drill, pytest.mark.parallel, pytest.mark.longest]

FIELDS = {name.upper(): field for group in groups() for name, field in group.model_fields.items()}
SECRETS = {name for name, field in FIELDS.items() if "SecretStr" in repr(field.annotation)}
MOUNT = "/run/secrets/app/"
REDIS = ("CACHE", "QUEUE", "RATE_LIMIT")


def test_names_are_short_enough_and_never_twice(chart: Rendered) -> None:
    names = [(one["kind"], one["metadata"]["name"]) for one in chart.objects]

    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?", name) for _, name in names)


def test_an_image_is_a_release_and_best_a_digest(charts: dict[str, Rendered]) -> None:
    for name, chart in charts.items():
        for pods in chart.pods:
            image = pods.container["image"]
            assert re.fullmatch(r"[\w./-]+(:[\w.-]+)?(@sha256:[0-9a-f]{64})?", image)
            assert ":" in image.rpartition("/")[2]
            assert ":latest" not in image
            if name == "production" or pods.component == "pgbouncer":
                assert "@sha256:" in image


def test_every_container_has_requests_and_limits(chart: Rendered) -> None:
    for pods in chart.pods:
        resources = pods.container["resources"]
        assert {*resources["requests"]} >= {"cpu", "memory"}
        assert {*resources["limits"]} >= {"cpu", "memory"}


def test_a_selector_matches_its_own_pods_and_no_others(chart: Rendered) -> None:
    for one in chart.of("Deployment"):
        found = chart.selected(one["spec"]["selector"]["matchLabels"])
        assert [pods.name for pods in found] == [one["metadata"]["name"]]
        for spread in one["spec"]["template"]["spec"]["topologySpreadConstraints"]:
            assert spread["labelSelector"] == one["spec"]["selector"]
    for one in chart.of("Service"):
        found = chart.selected(one["spec"]["selector"])
        assert found
        for port in one["spec"]["ports"]:
            assert all(port["targetPort"] in pods.ports for pods in found)
    for one in chart.of("NetworkPolicy"):
        assert chart.selected(one["spec"]["podSelector"]["matchLabels"])
    for one in chart.of("ServiceMonitor"):
        selector = one["spec"]["selector"]
        [components] = selector["matchExpressions"]
        services = [
            service
            for service in chart.of("Service")
            if selector["matchLabels"].items() <= service["metadata"]["labels"].items()
            and service["metadata"]["labels"][components["key"]] in components["values"]
        ]
        assert len(services) == 2
        for service in services:
            assert "metrics" in {port["name"] for port in service["spec"]["ports"]}
            # The alert rules know them by these.
            assert service["metadata"]["labels"][one["spec"]["jobLabel"]] in ("api", "worker")


def test_what_the_chart_sets_are_settings_and_their_secrets_are_files(chart: Rendered) -> None:
    for pods in chart.pods:
        if pods.component == "pgbouncer":
            continue
        [volume] = [one for one in pods.spec["volumes"] if one["name"] == "secrets"]
        mounted = {
            MOUNT + item["path"]
            for source in volume["projected"]["sources"]
            for item in source["secret"]["items"]
        }
        named = set()
        for name, value in pods.environment.items():
            assert name in FIELDS or name.removesuffix("_FILE") in FIELDS, name
            if name not in FIELDS:
                named.add(value)
            elif name in SECRETS:
                assert value == "off"
        assert named == mounted
        filled_in = [one for one in pods.container["env"] if "valueFrom" in one]
        assert [one["name"] for one in filled_in] == ["PYTHON_CPU_COUNT"]
        [mount] = [one for one in pods.container["volumeMounts"] if one["name"] == "secrets"]
        assert mount["mountPath"] + "/" == MOUNT
        assert mount["readOnly"] is True


def test_the_application_takes_what_each_pod_is_given(chart: Rendered, tmp_path: Path) -> None:
    given = {
        "DATABASE_URL": "postgresql://api:pw@db-rw:5432/app",
        "DATABASE_OWNER_URL": "postgresql://owner:pw@db-rw:5432/app",
        **{f"REDIS_{role}_URL": "redis://:pw@valkey:6379/0" for role in REDIS},
    }
    for name in SECRETS:
        (tmp_path / name).write_text(given.get(name, secrets.token_hex(32)))
    for pods in chart.pods:
        if pods.component == "pgbouncer":
            continue
        values = {
            name: value.replace(MOUNT, f"{tmp_path}/") for name, value in pods.environment.items()
        }

        Settings(values).check(groups())


@pytest.mark.parametrize("name", SETS)
def test_every_secret_is_one_that_is_there_already(charts: dict[str, Rendered], name: str) -> None:
    given = yaml.safe_load(SETS[name].read_text())
    there = {one["secret"] for one in given["secrets"].values()}
    there |= {given.get("pgbouncer", {}).get("userlist", {}).get("secret")}
    there |= {given.get("ingress", {}).get("tlsSecret")}
    there |= set(given["image"].get("pullSecrets", ()))

    assert not charts[name].of("Secret")
    assert set(_secrets(charts[name].objects)) <= there


def _secrets(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for one in value:
            yield from _secrets(one)
    elif isinstance(value, dict):
        for key, one in value.items():
            if key == "secretName":
                yield one
            elif key in ("secret", "secretKeyRef", "secretRef") and "name" in one:
                yield one["name"]
            elif key == "imagePullSecrets":
                yield from (each["name"] for each in one)
            else:
                yield from _secrets(one)


def test_the_owner_s_address_and_the_superuser_s_password_are_shown_to_one_job_each(
    chart: Rendered,
) -> None:
    for name, component in (("DATABASE_OWNER_URL", "migration"), ("ADMIN_PASSWORD", "seed")):
        shown = {pods.component for pods in chart.pods if f"{name}_FILE" in pods.environment}
        assert shown <= {component}


def test_every_pod_is_as_the_restricted_standard_asks_and_more(chart: Rendered) -> None:
    for pods in chart.pods:
        of_pod, of_container = pods.spec["securityContext"], pods.container["securityContext"]
        assert of_pod["runAsNonRoot"] is True
        assert of_pod["runAsUser"] > 0
        assert of_pod["seccompProfile"] == {"type": "RuntimeDefault"}
        assert of_container["allowPrivilegeEscalation"] is False
        assert of_container["readOnlyRootFilesystem"] is True
        assert of_container["capabilities"] == {"drop": ["ALL"]}
        assert pods.spec["automountServiceAccountToken"] is False
        assert pods.spec["enableServiceLinks"] is False
        assert not {"hostNetwork", "hostPID", "hostIPC", "hostUsers"} & {*pods.spec}
        assert {one["mountPath"] for one in pods.container["volumeMounts"]} >= {"/tmp"}  # noqa: S108
        for volume in pods.spec["volumes"]:
            assert {*volume} - {"name"} <= {"emptyDir", "projected", "configMap", "secret"}
            assert volume.get("emptyDir") is None or volume["emptyDir"]["sizeLimit"]


def test_a_budget_leaves_a_pod_and_an_autoscaler_owns_the_number(chart: Rendered) -> None:
    deployments = {one["metadata"]["name"]: one["spec"] for one in chart.of("Deployment")}
    scaled = {}
    for one in chart.of("HorizontalPodAutoscaler", "ScaledObject"):
        spec, custom = one["spec"], one["kind"] == "ScaledObject"
        least, most = ("minReplicaCount", "maxReplicaCount") if custom else _BOUNDS
        assert 1 <= spec[least] <= spec[most]
        scaled[spec["scaleTargetRef"]["name"]] = spec[least]
    assert {*scaled} <= {*deployments}
    for name, spec in deployments.items():
        assert ("replicas" in spec) == (name not in scaled)
    budgets = {one["metadata"]["name"]: one["spec"] for one in chart.of("PodDisruptionBudget")}
    for name, budget in budgets.items():
        least = scaled.get(name) or deployments[name]["replicas"]
        assert budget["maxUnavailable"] < least
        assert budget["selector"] == deployments[name]["selector"]
    for name, spec in deployments.items():
        several = (scaled.get(name) or spec.get("replicas", 1)) > 1
        assert (name in budgets) == (several and "-worker-" not in name)


_BOUNDS = ("minReplicas", "maxReplicas")


@pytest.mark.parametrize("name", [name for name in SETS if name != "small"])
def test_policies_let_in_what_is_served_and_out_what_is_needed(
    charts: dict[str, Rendered], name: str
) -> None:
    chart = charts[name]
    policies = {
        one["metadata"]["labels"]["app.kubernetes.io/component"]: one["spec"]
        for one in chart.of("NetworkPolicy")
    }

    assert {*policies} == {pods.component for pods in chart.pods}
    for pods in chart.pods:
        spec = policies[pods.component]
        let_in = {port["port"] for rule in spec.get("ingress", ()) for port in rule["ports"]}
        assert let_in == {*pods.ports}
        assert all(rule["from"] for rule in spec.get("ingress", ()))
        let_out = {port["port"] for rule in spec["egress"] for port in rule["ports"]}
        stores = {53, 6379, 6380, 587, 5432, "postgresql"}
        assert let_out <= stores
        assert (6379 in let_out) == (pods.component in ("api", "worker", "seed"))
        pooled = name == "pgbouncer" and pods.component not in ("migration", "pgbouncer")
        assert ("postgresql" in let_out) == pooled
        assert (5432 in let_out) != pooled


def test_a_probe_asks_for_what_is_served(chart: Rendered) -> None:
    routes = {getattr(route, "path", "") for route in health.router.routes}
    ports = {"PORT": "http", "METRICS_PORT": "metrics", "WORKER_METRICS_PORT": "metrics"}
    for pods in chart.pods:
        for setting, port in ports.items():
            if setting in pods.environment:
                assert pods.ports[port] == int(pods.environment[setting])
        for name, probe in probes_of(pods):
            if "httpGet" in probe:
                asked = probe["httpGet"]
                assert asked["port"] in pods.ports
                assert asked["port"] == "metrics" or asked["path"] in routes, name
    assert {"/health", "/health/ready"} <= routes


def test_the_port_of_metrics_answers_the_workers_probe(charts: dict[str, Rendered]) -> None:
    [worker] = [pods for pods in charts["least"].pods if pods.component == "worker"]
    asked = {probe["httpGet"]["path"] for _, probe in probes_of(worker)}

    with served(ObservabilitySettings(), 0) as port:
        for path in asked:
            assert _status(f"http://127.0.0.1:{port}{path}") in (200, 503)
        assert _status(f"http://127.0.0.1:{port}/health") == 404


def _status(url: str) -> int:
    return httpx2.get(url, timeout=10).status_code


def test_a_pod_that_goes_has_time_for_what_it_promises(chart: Rendered) -> None:
    for pods in chart.pods:
        values, grace = pods.environment, pods.spec["terminationGracePeriodSeconds"]
        if pods.component == "api":
            assert grace >= int(values["DRAIN_DELAY"]) + int(values["SHUTDOWN_TIMEOUT"]) + 5
            assert pods.owner["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
        if pods.component == "worker":
            assert grace >= int(values["WORKER_DRAIN_TIMEOUT"]) + 5


def test_the_migration_comes_first_and_needs_nothing_that_is_not_there_yet(
    chart: Rendered,
) -> None:
    hooks: dict[str, Object] = {}
    for one in chart.objects:
        notes = one["metadata"].get("annotations", {})
        component = one["metadata"]["labels"]["app.kubernetes.io/component"]
        is_hook = component == "migration" or (component == "seed" and one["kind"] == "Job")
        assert ("helm.sh/hook" in notes) == is_hook
        if is_hook:
            assert "before-hook-creation" in notes["helm.sh/hook-delete-policy"]
            hooks[f"{one['kind']} {component}"] = notes
    for name, notes in hooks.items():
        when = "post" if "seed" in name else "pre"
        assert notes["helm.sh/hook"] == f"{when}-install,{when}-upgrade"
    if "NetworkPolicy migration" in hooks:
        policy, job = hooks["NetworkPolicy migration"], hooks["Job migration"]
        assert int(policy["helm.sh/hook-weight"]) < int(job["helm.sh/hook-weight"])
    for pods in chart.pods:
        if pods.component == "migration":
            spec: Object = pods.owner["spec"]
            assert (spec["completions"], spec["parallelism"], spec["backoffLimit"]) == (1, 1, 0)
            assert "serviceAccountName" not in pods.spec
            assert not any("configMap" in volume for volume in pods.spec["volumes"])
