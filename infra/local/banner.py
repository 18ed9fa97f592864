"""What `hatch run dev` shows once everything runs."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from infra.local.dev_env import DATABASE_NAMES, REDIS_ROLES, names
from infra.local.keys import has_terminal
from infra.local.mail import GIVEN_BY, MailCatcher
from infra.local.program import Program
from infra.local.servers import Servers
from infra.local.supervisor import KEYS
from infra.local.watch import FOLDERS
from kernel import discovery

TASKS = {
    "api": "answers HTTP",
    "worker": "works off the queue (ARQ)",
    "mail": "catches mails, and sends none on",
}


def banner(
    address: str,
    directory: Path,
    values: Mapping[str, str],
    made: Mapping[str, str],
    superuser: str,
    servers: Servers,
    programs: Sequence[Program],
    mail: MailCatcher | None = None,
) -> str:
    """Addresses, how to log in, what each process is, how to stop."""
    rows = [("API", address), ("Docs", f"{address}/docs")]
    pages = discovery.offers("pages", "ADDRESS", str).items()
    rows += [(feature.capitalize(), f"{address}{path}") for feature, path in pages]
    rows.append(("Superuser", superuser))
    if "SECRET_KEY" in made:
        rows.append(("SECRET_KEY", f"{made['SECRET_KEY']} (made once, kept in {directory})"))
    rows.append(("Database", _where("DATABASE_URL", DATABASE_NAMES, values, servers)))
    for role in REDIS_ROLES:
        url, host = f"REDIS_{role}_URL", f"REDIS_{role}_HOST"
        where = _where(url, (url, host), values, servers)
        rows.append((f"Redis, {role.lower().replace('_', ' ')}", where))
    rows.append(("Mail", _mail(values, mail)))
    rows += _processes(servers, [*programs, *([mail.program] if mail else [])])
    rows.append(
        (
            "Reload",
            f"on edits in {', '.join(FOLDERS)}, .env, pyproject.toml and files of secrets",
        )
    )
    if has_terminal():
        rows.append(("Keys", "; ".join(f"{key} {does}" for key, does in KEYS.items())))
    rows.append(("Stop", f"Ctrl-C. The data stay in {directory}; remove it to begin afresh"))
    width = max(len(name) for name, _ in rows)
    return "\n".join(["", *(f"  {name:<{width}}  {value}" for name, value in rows), ""])


def superuser_of(values: Mapping[str, str], made: Mapping[str, str], other: bool | None) -> str:
    """How to log in; `other` says whether the database's superuser isn't the one of ADMIN_*."""
    name = values.get("ADMIN_USERNAME") or made.get("ADMIN_USERNAME", "admin")
    if other:
        return (
            "as the database has it, with another name or password than ADMIN_* says; "
            "`hatch run superuser NAME --grant` makes one of any account"
        )
    if "ADMIN_PASSWORD" in made:
        unsure = " (unless it was changed since)" if other is None else ""
        return f"{name}, password {made['ADMIN_PASSWORD']}{unsure}"
    if names(values, "ADMIN_PASSWORD"):
        return f"{name}, password as given"
    return "made before; no ADMIN_PASSWORD was given"


def _where(name: str, given_by: Sequence[str], values: Mapping[str, str], servers: Servers) -> str:
    """The address of a server of ours; of another one only what is no secret."""
    if name in servers.urls:
        return servers.urls[name]
    given = next((other for other in given_by if other in values), f"{given_by[0]}_FILE")
    value = values.get(given, "")
    if value.lower() == "off":
        return f"off, by {given}"
    place = urlsplit(value).netloc.rpartition("@")[2] if "://" in value else value
    return f"{place}, given by {given}"


def _mail(values: Mapping[str, str], mail: MailCatcher | None) -> str:
    """Where mails go."""
    if mail is not None:
        return f"{mail.page} shows what is sent; {mail.page}/previews what might be"
    given = next((name for name in GIVEN_BY if names(values, name)), None)
    if given is None:
        return "none is sent; SMTP_HOST says where to"
    if values.get("SMTP_HOST", "").lower() == "off":
        return "off, by SMTP_HOST"
    host = values.get("SMTP_HOST")
    return f"{host}, given by {given}" if host else f"given by {given}"


def _processes(servers: Servers, programs: Sequence[Program]) -> list[tuple[str, str]]:
    rows = [("dev", f"process {os.getpid()}, this command; starts and stops the others")]
    for program in programs:
        if program.child is not None:
            rows.append((program.name, f"process {program.child.pid}, {TASKS[program.name]}"))
    for server in servers.list():
        about = f"process {server.pid}, version {server.version}, log {server.log}"
        rows.append((server.child.name, about))
    return rows
