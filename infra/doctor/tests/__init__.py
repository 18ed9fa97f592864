"""Tests of `hatch run doctor`."""
