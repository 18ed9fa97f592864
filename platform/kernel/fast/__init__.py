"""Shortcuts past FastAPI and Starlette, each with its price in docs/fast-path.md.

Off by FAST_PATH=off, and by deleting this folder: kernel.app asks for `accelerate`, nothing else
does.
"""

from kernel.fast.accelerate import SHORTCUTS, accelerate

__all__ = ["SHORTCUTS", "accelerate"]
