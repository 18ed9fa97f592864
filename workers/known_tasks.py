"""The tasks that a worker knows: every feature's, and the kernel's own."""

from kernel.cache.deferred import flush
from kernel.jobs import registry
from kernel.jobs.declare import Task


def known_tasks() -> dict[str, Task]:
    """Every task, by name. Raises DiscoveryError for a name that isn't unique."""
    return {**registry.declared(), flush.name: flush}
