"""The audit log: what superusers have written, where the application can't change it."""
