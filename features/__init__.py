"""Vertical slices: each folder here is one feature, found by its file names (see kernel.discovery)."""
