"""What goes with this command, once it has done its work."""

from infra.init.part import Part

ITSELF = Part(
    name="init",
    says="this command",
    paths=(
        "infra/init/parts",
        "infra/init/tests",
        "infra/init/[!_a]*.py",
        "infra/init/asking.py",
        "infra/init/__main__.py",
        "docs/init.md",
        # Tries the template's own features, with bench and drills.
        "infra/scaffold/tests/test_removed_features.py",
    ),
    rows={"infra/checks/central.py": ('    "infra/init/', "    # What `hatch run init` can")},
    edits={
        "docs/topics.md": (("../README.md#thanks", "../README.md#made-from"),),
        "docs/commands.md": (
            (
                (
                    '| `hatch run init "My product"` | make this clone a product of its own, once: names, '
                    "licence line, changelog, and without what you don't need "
                    "([a clone becomes yours](init.md)) |"
                ),
                "| `hatch run init` | has made this project out of its template, and says so |",
            ),
        ),
    },
)
