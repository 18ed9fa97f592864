"""What a change of the OpenAPI document means for clients: for its author and its reviewer."""

from infra.contract.compatibility import additions, breaking
from infra.contract.recorded import Json, assembled

UPDATE = "hatch run openapi"


def changes(
    before: dict[str, Json], after: dict[str, Json], committed: dict[str, Json] | None = None
) -> str:
    """Say which files of the snapshot differ and whether that breaks clients; "" if none does.

    A client was written against what is `committed` (`before`, where that isn't known): a feature
    that never was has none.
    """
    files = [file for file in sorted({*before, *after}) if before.get(file) != after.get(file)]
    if not files:
        return ""
    old, new = assembled(before), assembled(after)
    broken = breaking(old if committed is None else assembled(committed), new)
    lines = ["The OpenAPI document has changed: " + ", ".join(files)]
    lines += ["This BREAKS clients:"] if broken else ["No client breaks."]
    lines += [f"  - {problem}" for problem in broken]
    lines += [f"  + {addition}" for addition in additions(old, new)]
    return "\n".join(lines)
