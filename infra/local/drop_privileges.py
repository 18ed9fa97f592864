"""Runs a program that refuses root (PostgreSQL does) when all there is is root.

As a script:
`python -I -S drop_privileges.py namespace|setuid UID GID COMMAND...`.
Two ways, none of which makes a user or changes anything outside our own folder:

namespace   a user namespace in which root bears another id; files stay root's.
setuid      where namespaces are forbidden (many containers): another id for real, that keeps the
            capability to pass through root's folders; its data folder must belong to that id.
"""

import ctypes
import os
import struct
import sys
from pathlib import Path

_CLONE_NEWUSER = 0x10000000
_PR_SET_SECUREBITS, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE = 28, 47, 2
_SECBIT_NO_SETUID_FIXUP = 1 << 2
_CAP_DAC_OVERRIDE, _CAPABILITY_VERSION_3 = 1, 0x20080522


def _enter_namespace(uid: int, gid: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{uid} 0 1")
    Path("/proc/self/gid_map").write_text(f"{gid} 0 1")


def _become(uid: int, gid: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    on_linux = sys.platform == "linux"
    if on_linux:
        # Capabilities outlive setuid, and access(2), which initdb asks, takes them into account.
        libc.prctl(_PR_SET_SECUREBITS, _SECBIT_NO_SETUID_FIXUP, 0, 0, 0)
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)
    if on_linux:
        # This one only, and ambient, so that it outlives exec. Where root lacks it, the command
        # may still be reachable without; the caller's probe finds out.
        mask = 1 << _CAP_DAC_OVERRIDE
        header = ctypes.create_string_buffer(struct.pack("II", _CAPABILITY_VERSION_3, 0))
        data = ctypes.create_string_buffer(struct.pack("6I", mask, mask, mask, 0, 0, 0))
        libc.capset(header, data)
        libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, _CAP_DAC_OVERRIDE, 0, 0)


def main(arguments: list[str]) -> None:
    way, uid, gid, *command = arguments
    (_enter_namespace if way == "namespace" else _become)(int(uid), int(gid))
    os.execv(command[0], command)  # noqa: S606 (the words were given as such)


if __name__ == "__main__":
    main(sys.argv[1:])
