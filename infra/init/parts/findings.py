"""What goes with findings/."""

from infra.init.part import Part

FINDINGS = Part(
    name="findings",
    says="scripts that show surprises of packages",
    paths=("findings",),
    rows={"README.md": ("findings/  ",)},
    edits={
        "docs/upgrading.md": (
            ("`features/`, `docs/` and `findings/`, ", "`features/` and `docs/`, "),
        ),
    },
)
