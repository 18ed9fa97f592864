"""What goes with infra/drills/."""

from infra.init.part import Part

DRILLS = Part(
    name="drills",
    says="killing, fuzzing and deploying the whole; `hatch run drill` stays, for the long tests of others",
    paths=("infra/drills", "tests/gates/test_fuzz.py"),
    takes=("bench",),  # whose collector of traces is theirs
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
# No wheel carries PgBouncer, Prometheus and a browser; without them, their drills are skipped and
# say so.
missing=()
for program in pgbouncer prometheus chromium; do
    command -v "$program" >/dev/null || missing+=("$program")
done
if [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null && ((${#missing[@]})); then
    step apt-get -qq update || true
    step env DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends \\
        "${missing[@]}" || true
fi

""",
                "",
            ),
        ),
        "docs/admin.md": (
            (
                (
                    "(`hatch run drill -k pictures --write-pictures` takes them anew, with Debian's "
                    "`chromium`.)\n\n"
                ),
                "",
            ),
        ),
        "docs/migrations.md": (
            (" `hatch run drill -k deploying` does that four times under load.", ""),
        ),
        "docs/performance.md": ((" (`hatch run drill -k worker`)", ""),),
        "docs/running/kubernetes.md": (
            ('`hatch run drill --full -k "helm or chart"` renders', "The template's drill renders"),
            (" `hatch run drill -k migrating_at_once`\nshows it with three.", ""),
        ),
        "docs/running/pgbouncer.md": (
            (
                (
                    " Both configurations are run for\nreal, with Debian's PgBouncer, by "
                    "`hatch run drill --full -k deployed_pgbouncer`."
                ),
                "",
            ),
        ),
        "docs/running/failover.md": (
            (
                "`hatch run drill --full` changes the primary",
                "The template's drill changes the primary",
            ),
            (" (`infra/drills/test_failover.py`).", "."),
        ),
        "docs/running/production.md": (
            (
                "`infra/drills/test_compose_started.py` (`hatch run drill --full`, on Linux as root) starts",
                "The template's drill, on Linux as root, starts",
            ),
            (
                "`infra/drills/test_containers.py` builds the image, has compose start",
                "Another drill of the template's builds the image, has compose start",
            ),
        ),
        "docs/running/replicas.md": (
            (
                (
                    "`hatch run drill --full` kills, stops and holds back a replica under load\n"
                    "(`infra/drills/test_replica_reads.py`)."
                ),
                "The template's drill kills, stops and holds back a replica under load.",
            ),
        ),
        "docs/running/updating.md": (
            ("`infra/drills/test_two_versions.py` replaces", "The template's drill replaces"),
        ),
        "docs/running/supply.md": (
            ("`hatch run drill --full -k image` installs", "The template's drill installs"),
        ),
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
