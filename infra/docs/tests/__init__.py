"""Tests of the drill of the documentation, and of its blocks that need no server."""
