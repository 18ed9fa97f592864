"""Embedded PostgreSQL and Valkey, and the commands of a developer machine."""
