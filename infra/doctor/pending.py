"""What was changed and isn't in force yet: migrations, the lock, the environment."""

from infra.checks import ROOT, environment, lock
from infra.doctor.finding import Finding
from kernel.config.loader import Settings
from kernel.resources import opened
from kernel.web import health


async def migrations(settings: Settings) -> Finding:
    """Whether the database has every revision of this checkout."""
    async with opened(settings, "doctor") as resources:
        missing = await health.missing_revisions(resources)
    if missing is None:
        return Finding("migrations", "broken", "not known: the database doesn't answer")
    if missing:
        text = f"{len(missing)} pending: {', '.join(missing)}; run `{health.MIGRATE}`"
        return Finding("migrations", "broken", text)
    return Finding("migrations", "ok", "none pending")


def packages() -> Finding:
    """Whether pyproject.toml, the lock and the environment agree."""
    problems = [*lock.problems(ROOT), *environment.problems(ROOT)]
    if problems:
        return Finding("packages", "risky", "; ".join(problems))
    return Finding("packages", "ok", "as the lock says")
