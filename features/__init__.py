"""Vertical slices: each folder is one feature, found by its file names (kernel.discovery)."""

from kernel import db  # noqa: F401 - says how columns are stored, before the first table is made
