"""What tasks offer the kernel: the keeper of durable jobs."""

from features.tasks import outbox

providers = {"outbox": outbox}
