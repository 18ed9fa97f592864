"""What goes with docs/decisions/."""

from infra.init.part import Part

DECISIONS = Part(
    name="decisions",
    says="why the template is built as it is, a page each",
    paths=("docs/decisions",),
    cuts={
        "tests/test_documents.py": (
            "test_each_dependency_has_its_reason_in_the_decision_about_packages",
        )
    },
    rows={"README.md": ("docs/decisions/  ",), "SECURITY.md": ("- API keys: [decision 20]",)},
    edits={
        "CONTRIBUTING.md": (
            (
                (
                    "makes the rows that a call needs: "
                    "[docs/decisions/0010](docs/decisions/0010-what-clients-rely-on.md)."
                ),
                "makes the rows that a call needs.",
            ),
            (
                (
                    " A package beside those in\n[docs/decisions/0005-packages.md]"
                    "(docs/decisions/0005-packages.md) needs a line there."
                ),
                "",
            ),
            (
                (
                    "## Decisions\n\nA choice that a reader would question gets a page in "
                    "[docs/decisions/](docs/decisions/): what was the\nquestion, what we chose, what it "
                    "costs. What clients can see also goes into\n"
                ),
                "## Changes\n\nWhat clients can see goes into\n",
            ),
        ),
        "SECURITY.md": (
            (
                (
                    "- Sessions, tokens, cookies and keys: "
                    "[decision 9](docs/decisions/0009-sessions-and-tokens.md).\n"
                ),
                "",
            ),
        ),
        "docs/caching.md": (
            (
                (
                    " How it works, and why, is in\n"
                    "[decision 13](decisions/0013-versions-and-an-epoch.md)."
                ),
                "",
            ),
        ),
        "docs/roles.md": ((" [Decision 19](decisions/0019-roles.md) says why it is so.", ""),),
        "docs/rate-limits.md": (
            (
                (
                    "\nHow it works, and why, is in "
                    "[decision 14](decisions/0014-a-sliding-log-of-accepted-calls.md)."
                ),
                "",
            ),
        ),
        "infra/checks/layout.py": (
            (
                "of code, tests left out: docs/decisions/0012-the-kernels-budget.md",
                "of code, tests left out",
            ),
        ),
    },
)
