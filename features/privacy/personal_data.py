"""What this feature keeps of a person: the archive that is made of all the others."""

from typing import Any

exports: dict[str, Any] = {}
omitted = {
    "export": "when an archive was asked for; it is gone when the archive is",
    "export_chunk": "the archive itself",
}
