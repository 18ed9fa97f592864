"""The NGINX configuration, as a real NGINX reads it, for each way to run it."""

import os
import re
from pathlib import Path

import pytest

from infra.checks import ROOT
from infra.nginx import rehearsal
from infra.nginx.certificate import self_signed
from infra.nginx.rehearsal import TEMPLATES, Site

UPSTREAMS = {
    "one server": "127.0.0.1:8000",
    "a service that is scaled": "web:8000",
    "several hosts": "10.0.0.11:8000, 10.0.0.12:8000 api-3.internal:8000",
}


@pytest.mark.parametrize("upstreams", UPSTREAMS.values(), ids=UPSTREAMS)
@pytest.mark.parametrize("site", ["plain", "tls"])
def test_a_real_nginx_accepts_the_configuration(tmp_path: Path, site: Site, upstreams: str) -> None:
    self_signed(tmp_path)

    rehearsal.fill_in(tmp_path, site, {"UPSTREAMS": upstreams, "TLS_DIRECTORY": str(tmp_path)})

    assert rehearsal.complaints(tmp_path) == ""


def test_a_balancer_in_front_can_be_trusted_and_is_not_by_default(tmp_path: Path) -> None:
    rehearsal.fill_in(tmp_path, "plain", {})
    default = (tmp_path / "conf.d/upstream.conf").read_text()

    rehearsal.fill_in(tmp_path, "plain", {"TRUSTED_BALANCERS": "10.0.0.0/8,fd00::/8"})

    trusting = (tmp_path / "conf.d/upstream.conf").read_text()
    assert "set_real_ip_from" not in default
    assert trusting.count("set_real_ip_from") == 2
    assert rehearsal.complaints(tmp_path) == ""


def test_no_variable_of_ours_is_left_unfilled(tmp_path: Path) -> None:
    for site in ("plain", "tls"):
        rehearsal.fill_in(tmp_path, site, {})
        for file in (tmp_path / "conf.d").iterdir():
            assert "${" not in file.read_text()


def test_a_mistake_in_the_configuration_is_seen(tmp_path: Path) -> None:
    rehearsal.fill_in(tmp_path, "plain", {})
    proxy = tmp_path / "conf.d/proxy.inc"

    proxy.write_text(proxy.read_text().replace("proxy_read_timeout", "proxy_reed_timeout"))

    assert "proxy_reed_timeout" in rehearsal.complaints(tmp_path)


def test_compose_mounts_the_files_under_the_names_that_are_tested_here() -> None:
    compose = (ROOT / "infra/compose.yml").read_text()
    mounts = dict(
        re.findall(r"\./nginx/([\w.]+):/etc/nginx/templates/([\w.]+)\.template:ro", compose)
    )

    assert mounts == {
        name: to for templates in TEMPLATES.values() for name, to in templates.items()
    }
    assert "./nginx/addresses.envsh:/docker-entrypoint.d/16-addresses.envsh:ro" in compose
    assert os.access(ROOT / "infra/nginx/addresses.envsh", os.X_OK)
