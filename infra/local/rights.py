"""Under whose id PostgreSQL runs: ours, unless we are root."""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from infra.local.errors import LocalError

DROP_PRIVILEGES = Path(__file__).with_name("drop_privileges.py")
WAYS = ("namespace", "setuid")  # see drop_privileges.py
_PROBE = (
    "import os, sys\n"
    "sys.exit(os.geteuid() == 0 or not all(os.access(path, os.X_OK) for path in sys.argv[1:]))"
)


@dataclass(frozen=True)
class Rights:
    """The words to put before a command, and the id that its files must belong to."""

    prefix: tuple[str, ...] = ()
    owner: int | None = None

    def give(self, path: Path) -> None:
        """Make a file, or a folder with all that is in it, belong to that id."""
        if self.owner is None or path.stat().st_uid == self.owner:
            return
        # The folder itself comes last: its owner says that all of it was done.
        for folder, folders, files in os.walk(path, topdown=False):
            for name in (*folders, *files):
                os.chown(os.path.join(folder, name), self.owner, -1, follow_symlinks=False)
        os.chown(path, self.owner, -1)


def rights_for(program: Path, directory: Path, ways: Sequence[str] = WAYS) -> Rights:
    """How to run `program` on `directory`. Raises LocalError when root finds no way."""
    if sys.platform == "win32" or os.geteuid() != 0:
        return Rights()
    uid, gid = _unprivileged_user()
    for way in ways:
        prefix = (sys.executable, "-I", "-S", str(DROP_PRIVILEGES), way, str(uid), str(gid))
        probe = [*prefix, sys.executable, "-I", "-S", "-c", _PROBE, str(program), str(directory)]
        if subprocess.run(probe, check=False, capture_output=True).returncode == 0:
            return Rights(prefix, 0 if way == "namespace" else uid)
    raise LocalError(
        "PostgreSQL refuses to run as root, and this container lets root neither make a user "
        "namespace nor take another id that reaches the project's folder.\n"
        "Ways on: run as an ordinary user, or set DATABASE_URL to a server that runs elsewhere."
    )


def _unprivileged_user() -> tuple[int, int]:
    import pwd  # Windows has none, and this module is imported there

    # The id must be one that has a name: PostgreSQL looks it up.
    try:
        user = pwd.getpwnam("nobody")
    except KeyError:
        user = next(user for user in pwd.getpwall() if user.pw_uid != 0)
    return user.pw_uid, user.pw_gid
