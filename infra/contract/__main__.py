"""`hatch run openapi`: write the snapshot of the OpenAPI document, and say what changed."""

from infra.contract import pieces, recorded
from infra.contract.report import changes


def main() -> None:
    """Write every share anew."""
    before, after = recorded.recorded(), pieces.shares(pieces.application())
    pieces.write(after)
    print(changes(before, after, recorded.committed()) or "The snapshot was up to date.")


if __name__ == "__main__":
    main()
