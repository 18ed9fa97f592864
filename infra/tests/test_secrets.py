"""The secrets that a deployed stack reads from files."""

import os
import subprocess
from pathlib import Path

from infra.checks import ROOT


def test_secrets_are_made_once_and_fit_for_production(tmp_path: Path) -> None:
    def make() -> dict[str, str]:
        environment = {**os.environ, "SECRETS_DIRECTORY": str(tmp_path / "secrets")}
        subprocess.run([ROOT / "infra/secrets.sh", "production"], env=environment, check=True)
        return {file.name: file.read_text() for file in (tmp_path / "secrets/production").iterdir()}

    made = make()
    (tmp_path / "secrets/production/admin_password").unlink()
    again = make()

    assert sorted(made) == ["admin_password", "postgres_password", "secret_key"]
    assert all(len(secret.strip()) == 64 for secret in made.values())
    assert again["secret_key"] == made["secret_key"]
    assert again["admin_password"] != made["admin_password"]
    assert (tmp_path / "secrets").stat().st_mode & 0o077 == 0
