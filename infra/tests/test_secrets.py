"""The secrets that a deployed stack reads from files."""

import os
import subprocess
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

from infra.checks import ROOT


def test_secrets_are_made_once_and_fit_for_production(tmp_path: Path) -> None:
    def make() -> dict[str, str]:
        environment = {**os.environ, "SECRETS_DIRECTORY": str(tmp_path / "secrets")}
        subprocess.run([ROOT / "infra/secrets.sh", "production"], env=environment, check=True)
        return {file.name: file.read_text() for file in (tmp_path / "secrets/production").iterdir()}

    made = make()
    (tmp_path / "secrets/production/admin_password").unlink()
    again = make()

    passwords = [f"postgres_{whose}password" for whose in ("app_", "backup_", "")]
    plain = ["admin_password", *passwords, "secret_key"]
    addresses = ["redis_cache_url", "redis_limits_url", "redis_queue_url"]
    rules = ["redis_cache_acl", "redis_limits_acl", "redis_queue_acl"]
    assert sorted(made) == sorted([*plain, *addresses, *rules])
    assert all(len(made[name].strip()) == 64 for name in plain)
    assert len({urlsplit(made[name]).password for name in addresses}) == len(addresses)
    for address, rule in zip(addresses, rules, strict=True):
        password = str(urlsplit(made[address]).password)
        assert f" #{sha256(password.encode()).hexdigest()} " in made[rule]
    assert again.pop("admin_password") != made.pop("admin_password")
    assert again == made
    assert (tmp_path / "secrets").stat().st_mode & 0o077 == 0


def test_a_stack_from_before_gets_what_it_lacks_and_keeps_what_it_has(tmp_path: Path) -> None:
    old = tmp_path / "secrets/production"
    old.mkdir(parents=True)
    for name in ("secret_key", "postgres_password", "admin_password"):
        (old / name).write_text(f"the old {name}")

    environment = {**os.environ, "SECRETS_DIRECTORY": str(tmp_path / "secrets")}
    subprocess.run([ROOT / "infra/secrets.sh", "production"], env=environment, check=True)

    assert (old / "postgres_password").read_text() == "the old postgres_password"
    assert (old / "postgres_app_password").exists()


def test_grafana_gets_a_password_of_its_own(tmp_path: Path) -> None:
    environment = {**os.environ, "SECRETS_DIRECTORY": str(tmp_path / "secrets")}
    subprocess.run([ROOT / "infra/secrets.sh", "observability"], env=environment, check=True)

    [file] = (tmp_path / "secrets/observability").iterdir()
    assert (file.name, len(file.read_text().strip())) == ("grafana_password", 64)
