"""Vertical slices: each folder is one feature, found by its file names (kernel.discovery)."""
