"""The application without some shortcut of kernel.fast, so that each is priced alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from unittest.mock import patch

from kernel import fast


@contextmanager
def without(name: str | None) -> Iterator[None]:
    """Applications made here take all shortcuts but this one."""
    left = [one for one in fast.SHORTCUTS if one != name]
    chosen = partial(fast.accelerate, shortcuts=left)
    with patch.object(fast, "accelerate", chosen):
        yield
