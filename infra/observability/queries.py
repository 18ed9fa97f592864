"""Every query of the dashboard and of the alert rules, and what it reads."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import promql_parser as promql
import yaml  # type: ignore[import-untyped,unused-ignore]

FOLDER = Path(__file__).parent
DASHBOARD, RULES = FOLDER / "dashboard.json", FOLDER / "alerts.yml"
RULE_TESTS = FOLDER / "alerts_test.yml"
SUFFIXES = ("_bucket", "_sum", "_count")


def of_dashboard(interval: str = "5m") -> dict[str, str]:
    """Queries by panel and letter, Grafana's interval filled in."""
    panels: list[dict[str, Any]] = json.loads(DASHBOARD.read_text())["panels"]
    return {
        f"{panel['title']} {target['refId']}": target["expr"].replace("$__rate_interval", interval)
        for panel in panels
        for target in panel["targets"]
    }


def of_rules() -> dict[str, str]:
    """Queries by the name of their alert."""
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return {rule["alert"]: rule["expr"] for group in groups for rule in group["rules"]}


@dataclass
class Read:
    """What a query reads: names of series, the labels that each is filtered by, and those that
    the result is grouped by."""

    series: list[tuple[str, set[str]]] = field(default_factory=list)
    grouped: set[str] = field(default_factory=set)


def read_by(query: str) -> Read:
    """Take the query apart. Raises ValueError for what is no PromQL."""
    found = Read()

    def visit(expression: promql.Expr) -> bool:
        match expression:
            case promql.VectorSelector():
                matchers = expression.matchers.matchers
                found.series.append((str(expression.name), {one.name for one in matchers}))
            case promql.AggregateExpr() if expression.modifier is not None:
                found.grouped.update(expression.modifier.labels)
        return True

    promql.walk(promql.parse(query), visit)
    return found


def metric_of(series: str) -> str:
    """The metric that a series belongs to: a histogram's are three kinds."""
    for suffix in SUFFIXES:
        series = series.removesuffix(suffix)
    return series
