"""Behind `kernel.jobs`: declared tasks, the port to ARQ, the protocol of the outbox."""
