"""Backups that are encrypted where they are made, and a database back as it was at a time.

Runs beside PostgreSQL in an image of its own (infra/backup/Dockerfile), with nothing installed but
PostgreSQL's programs and pyrage. How it is operated: docs/running/backup.md
"""
