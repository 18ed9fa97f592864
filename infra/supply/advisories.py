"""`hatch run supply:advisories`: what is known against the packages of the lock.

Exit codes: 0 nothing; 1 something; 3 no index answers about advisories, so nothing is known.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

NO_ANSWER = 3


def main(words: Sequence[str]) -> int:
    """Run pip-audit, which ends with 0 also when it could ask for no package at all."""
    program = Path(sys.executable).with_name("pip-audit")
    fixed = ["--disable-pip", "--require-hashes", "--progress-spinner", "off", "--format", "json"]
    run = subprocess.run(
        [program, "--requirement", "requirements.lock", *fixed, *words],
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        packages = json.loads(run.stdout)["dependencies"]
    except (ValueError, KeyError):
        print(run.stderr.strip() or "pip-audit said nothing")
        return NO_ANSWER
    return report(packages)


def report(packages: list[dict[str, object]]) -> int:
    """Say what was found; the result is the exit code."""
    asked = [package for package in packages if "skip_reason" not in package]
    if not asked:
        print("No index answers about advisories: nothing is known of any package.")
        return NO_ANSWER
    affected = [package for package in asked if package["vulns"]]
    for package in affected:
        vulnerabilities = package["vulns"]
        assert isinstance(vulnerabilities, list)
        for one in vulnerabilities:
            fixes = ", ".join(one["fix_versions"]) or "no version yet"
            print(f"{package['name']} {package['version']}: {one['id']}, fixed in {fixes}")
    if len(asked) < len(packages):
        print(f"{len(packages) - len(asked)} packages aren't known to the index.")
    print(f"{len(asked)} packages asked for, {len(affected)} with advisories")
    return 1 if affected else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
