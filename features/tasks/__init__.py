"""Background jobs: queueing them, reading their results, keeping those that must not be lost."""
