"""Shortcuts past FastAPI and Starlette: see docs/fast-path.md. Off by FAST_PATH=off."""
