"""Mail: written from templates, sent by a durable job, but not to suppressed addresses."""
