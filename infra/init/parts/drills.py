"""What goes with infra/drills/."""

from infra.init.part import Part

DRILLS = Part(
    name="drills",
    says="killing, fuzzing and deploying the whole; `hatch run drill` stays, for the long tests of others",
    paths=("infra/drills",),
    rows={
        "README.md": ("  drills/  ",),
        "conftest.py": ('    "infra.drills.options",',),
        "pyproject.toml": ('"infra/drills/**" = ',),
        "docs/contract.md": ("| `hatch run drill -k fuzz --unbounded` |",),
    },
    edits={
        ".ci/run": (
            (
                """\
# No wheel carries PgBouncer; without it, its drill is skipped and says so.
if [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null && ! command -v pgbouncer >/dev/null; then
    step apt-get -qq update || true
    step env DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends pgbouncer ||
        true
fi

""",
                "",
            ),
        ),
        "docs/migrations.md": (
            (" `hatch run drill -k deploying` does that four times under load.", ""),
        ),
        "docs/performance.md": ((" (`hatch run drill -k worker`)", ""),),
        "docs/running/limits.md": (
            (
                (
                    "\n`hatch run drill -k hostile` attacks each of these and prints the figure beside "
                    "the bound.\n"
                ),
                "",
            ),
        ),
    },
)
