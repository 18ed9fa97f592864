"""What `hatch run dev` shows once everything runs."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from infra.local.given import REDIS_ROLES, names
from infra.local.servers import Servers
from infra.local.supervisor import Program
from infra.local.watch import FOLDERS


def banner(
    address: str,
    directory: Path,
    values: Mapping[str, str],
    made: Mapping[str, str],
    servers: Servers,
    programs: Sequence[Program],
) -> str:
    """Addresses, how to log in, what each process is, how to stop."""
    rows = [("API", address), ("Docs", f"{address}/docs")]
    rows += [("Superuser", _superuser(values, made))]
    if "SECRET_KEY" in made:
        rows += [("SECRET_KEY", f"{made['SECRET_KEY']} (made once, kept in {directory.name}/)")]
    rows += [("Database", servers.urls.get("DATABASE_URL", "as given, not started here"))]
    for role in REDIS_ROLES:
        rows += [(f"Redis {role.lower()}", _redis(role, values, servers))]
    rows += [("Processes", _processes(servers, programs))]
    rows += [("Reload", f"on edits in {', '.join(FOLDERS)}; a new revision is migrated first")]
    rows += [("Stop", f"Ctrl-C. The data stay in {directory}; delete it to begin afresh")]
    width = max(len(name) for name, _ in rows)
    return "\n".join(["", *(f"  {name:<{width}}  {value}" for name, value in rows), ""])


def _superuser(values: Mapping[str, str], made: Mapping[str, str]) -> str:
    name = values.get("ADMIN_USERNAME") or made.get("ADMIN_USERNAME", "as given")
    if "ADMIN_PASSWORD" in made:
        return f"{name}, password {made['ADMIN_PASSWORD']} (unless it was changed since)"
    return f"{name}, password as given"


def _redis(role: str, values: Mapping[str, str], servers: Servers) -> str:
    if f"REDIS_{role}_URL" in servers.urls:
        return servers.urls[f"REDIS_{role}_URL"]
    if values.get(f"REDIS_{role}_URL", "").lower() == "off":
        return "off"
    return "as given, not started here" if names(values, f"REDIS_{role}_URL") else "as given"


def _processes(servers: Servers, programs: Sequence[Program]) -> str:
    running = [("this supervisor", os.getpid())]
    running += [(f"{server.child.name} {server.version}", server.pid) for server in servers.list()]
    running += [
        (program.name, program.child.pid) for program in programs if program.child is not None
    ]
    return ", ".join(f"{name} {pid}" for name, pid in running)
