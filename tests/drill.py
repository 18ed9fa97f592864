"""`hatch run drill`: the long gates; first those that can run side by side, then the others alone.

A drill that measures, kills or loads what it has started runs alone; one that is marked `parallel`
works on files of its own, and several of these share the processors.
"""

import shlex
import subprocess
import sys
import time
from collections.abc import Sequence

PYTEST = (sys.executable, "-m", "pytest", "--durations=0", "--durations-min=1")
# A process that has none left takes another's: the longest stand together in their files.
SIDE_BY_SIDE = ("-m", "drill and parallel", "-n", "auto", "--dist", "worksteal")
ALONE = ("-m", "drill and not parallel", "-s")
NOTHING_CHOSEN = 5  # pytest's exit code where `-k` or a path leaves no test


def main(arguments: Sequence[str]) -> int:
    """Run both; the exit code is pytest's: 0 when no drill failed, 5 when none was found."""
    codes = []
    for options in (SIDE_BY_SIDE, ALONE):
        began = time.monotonic()
        print(f"\npytest {shlex.join([*options, *arguments])}", flush=True)
        codes.append(subprocess.run([*PYTEST, *options, *arguments], check=False).returncode)
        print(f"{time.monotonic() - began:.0f} s", flush=True)
    found = [code for code in codes if code != NOTHING_CHOSEN]
    return max(found, default=NOTHING_CHOSEN)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
