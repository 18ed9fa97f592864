"""What goes with infra/bench/."""

from infra.init.part import Part

BENCH = Part(
    name="bench",
    says="`hatch run bench`, which measures the template's own routes, and its last table",
    paths=(
        "infra/bench",
        "docs/performance.md",
        "docs/running/capacity.md",
        "tests/test_capacity.py",
        "features/*/tests/compare.py",
    ),
    rows={
        "mkdocs.yml": ("      - performance.md",),
        "docs/running/README.md": ("| to know what it serves, and what breaks first",),
        "README.md": ("  bench/  ",),
        "docs/commands.md": ("| `hatch run bench` |",),
        "hatch.toml": ("bench = ",),
        "infra/checks/layout.py": ('    "infra/bench/floor.py"',),
    },
    edits={
        ".ci/run": ((' "bench --smoke")', ")"),),
        "docs/fast-path.md": (
            (
                (
                    "`hatch run bench --ways --without dependencies --without index --without layers` "
                    "prices them.\n(`--without index` is without `layers`, too: they need it.)\n"
                ),
                "The template's bench priced them.\n",
            ),
        ),
        "docs/decisions/0011-jobs.md": ((" docs/performance.md has figures.", ""),),
    },
)
