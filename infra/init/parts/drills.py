"""What goes with infra/drills/."""

from infra.init.part import Part

DRILLS = Part(
    name="drills",
    says="`hatch run drill`: killing, fuzzing and deploying the whole for half an hour",
    paths=("infra/drills",),
    rows={
        "README.md": ("| `hatch run drill` |", "  drills/  "),
        "hatch.toml": ("drill = ",),
        "conftest.py": ('    "infra.drills.options",',),
        "pyproject.toml": ('"infra/drills/**" = ', "markers = "),
        "docs/contract.md": ("| `hatch run drill -k fuzz --unbounded` |",),
    },
    edits={
        ".ci/run": (
            ("gates=(test check drill", "gates=(test check"),
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
        "pyproject.toml": ((', "-m", "not drill"]', "]"),),
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
