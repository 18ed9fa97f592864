"""Writes revisions: the difference between models and migrations, in PostgreSQL's own words."""
