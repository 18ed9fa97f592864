"""Whether the packages in this environment are those of the lock."""

from importlib.metadata import distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from infra.checks.lock import LOCK

NAMED = 5


def problems(root: Path) -> list[str]:
    """Say so when the environment is older (or newer) than the lock, and how to sync it."""
    wrong = differences(root)
    if not wrong:
        return []
    more = f" and {len(wrong) - NAMED} more" if len(wrong) > NAMED else ""
    named = "; ".join(wrong[:NAMED])
    return [f"the environment isn't the one of {LOCK}: {named}{more}. Bring it up: hatch run sync"]


def differences(root: Path) -> list[str]:
    """List each package of the lock that is missing here or has another version."""
    installed = {canonicalize_name(found.name): found.version for found in distributions()}
    found = []
    for pin in _pins(root / LOCK):
        here = installed.get(canonicalize_name(pin.name))
        if here is None:
            found.append(f"{pin.name} is missing ({pin.specifier})")
        elif not pin.specifier.contains(here, prereleases=True):
            found.append(f"{pin.name} is {here}, not {pin.specifier}")
    return found


def _pins(lock: Path) -> list[Requirement]:
    lines = lock.read_text().splitlines()
    pins = [Requirement(line.rstrip(" \\")) for line in lines if line and line[0] not in " #"]
    return [pin for pin in pins if pin.marker is None or pin.marker.evaluate()]
