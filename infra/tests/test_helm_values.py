"""The chart's values fit their schema, which takes nothing else; a drill asks Helm itself."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped,unused-ignore]
from jsonschema import Draft7Validator  # type: ignore[import-untyped,unused-ignore]

from infra.checks import ROOT
from infra.docs.blocks import blocks_of
from infra.env_example import groups

CHART = ROOT / "infra" / "helm"
SCHEMA = json.loads((CHART / "values.schema.json").read_text())
VALUES = yaml.safe_load((CHART / "values.yaml").read_text())
SETS = sorted((CHART / "ci").glob("*.yaml"))


def refused(values: Any) -> list[str]:
    """What the schema has against the values."""
    return [error.message for error in Draft7Validator(SCHEMA).iter_errors(values)]


def test_the_schema_is_one() -> None:
    Draft7Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("file", [CHART / "values.yaml", *SETS], ids=lambda file: file.stem)
def test_the_chart_s_own_values_fit(file: Path) -> None:
    assert refused(yaml.safe_load(file.read_text())) == []


def test_the_values_that_the_documentation_shows_fit() -> None:
    page = ROOT / "docs/running/kubernetes.md"
    blocks = [block for block in blocks_of(page, page.name) if block.language == "yaml"]
    shown = [yaml.safe_load(block.code) for block in blocks]
    values = [one for one in shown if not {"apiVersion", "externalRules"} & one.keys()]

    assert len(values) == 2
    assert [refused(one) for one in values] == [[], []]


def test_every_object_of_the_values_says_which_names_it_takes() -> None:
    def loose(part: Any, path: str) -> list[str]:
        if not isinstance(part, dict):
            return []
        own = (
            [path] if "properties" in part and part.get("additionalProperties") is not False else []
        )
        return own + [name for key, one in part.items() for name in loose(one, f"{path}/{key}")]

    assert loose(SCHEMA, "") == []


def test_every_value_stands_in_the_schema_and_the_other_way_round() -> None:
    def names(part: Any) -> Any:
        part = part["allOf"][1] if "allOf" in part else part
        part = SCHEMA["definitions"][part["$ref"].rpartition("/")[2]] if "$ref" in part else part
        return {name: names(one) for name, one in part.get("properties", {}).items()}

    def compare(schema: Any, values: Any, path: str) -> None:
        # What may be left out has no default: a worker's queues, pull secrets of PgBouncer's image.
        optional = {"queues", "global", "pullPolicy", "pullSecrets", "ephemeral-storage"}
        assert schema.keys() - optional <= values.keys(), path
        assert values.keys() <= schema.keys(), path
        for name, one in schema.items():
            if one and name in values:
                compare(one, values[name], f"{path}.{name}")

    compare(names(SCHEMA), VALUES, "values")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"replicas": 3}, "'replicas' was unexpected"),
        ({"api": {"autoscaling": {"minReplica": 3}}}, "'minReplica' was unexpected"),
        ({"api": {"drainDelay": "10s"}}, "'10s' is not of type 'integer'"),
        ({"api": {"resources": {"limits": {"cpu": "1"}}}}, "'requests' is a required property"),
        ({"environment": "prod"}, "'prod' is not one of"),
        ({"settings": {"app_name": "x"}}, "'app_name' does not match"),
        ({"settings": {"WRITE_LIMIT": 1000000}}, "1000000 is not of type 'string'"),
        ({"settings": {"TRACES": True}}, "True is not of type 'string'"),
        ({"secrets": {"SECRET_KEY": "hunter2"}}, "'hunter2' is not of type 'object', 'null'"),
        ({"tmpSize": "512mb"}, "'512mb' does not match"),
        ({"workers": {"Slow": {}}}, "'Slow' does not match"),
        ({"workers": {"slow": {"autoscaling": {"minReplicas": 0}}}}, "0 is less than the minimum"),
        ({"ingress": {"hosts": ["https://api.example.com"]}}, "does not match"),
        ({"networkPolicy": {"database": {"ports": [543200]}}}, "543200 is greater than"),
        ({"metrics": {"prometheusUrl": "prometheus:9090"}}, "'prometheus:9090' does not match"),
    ],
    ids=lambda value: re.sub(r"\W+", " ", str(value))[:40],
)
def test_nonsense_is_refused(wrong: dict[str, Any], message: str) -> None:
    assert any(message in one for one in refused(wrong)), refused(wrong)


def test_rules_dashboard_and_settings_are_the_ones_of_the_repository() -> None:
    for name, origin in (
        ("alerts.yml", "infra/observability/alerts.yml"),
        ("dashboard.json", "infra/observability/dashboard.json"),
        ("settings.txt", ".env.example"),
    ):
        assert (CHART / "files" / name).read_bytes() == (ROOT / origin).read_bytes(), name


def test_pgbouncer_is_the_one_of_compose() -> None:
    image = VALUES["pgbouncer"]["image"]

    line = f"image: {image['repository']}:{image['tag']}@{image['digest']}\n"
    assert line in (ROOT / "infra/compose.yml").read_text()


def test_what_the_values_refuse_as_secrets_are_the_secrets_among_the_settings() -> None:
    text = (CHART / "templates/_checks.tpl").read_text()
    pattern = next(re.finditer(r'regexMatch "(\(SECRET_KEY.*?)"', text))[1]
    fields = [(name.upper(), it) for group in groups() for name, it in group.model_fields.items()]
    secrets = {name for name, field in fields if "SecretStr" in repr(field.annotation)}

    assert {name for name, _ in fields if re.search(pattern, name)} == secrets
