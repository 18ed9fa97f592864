"""docs/concepts.md has each name of the kernel used here; docs/admin.md has those of admin."""

from infra.checks import ROOT
from tests.test_concepts import listed, used

ADMIN = ROOT / "features" / "posts" / "admin.py"


def test_posts_uses_no_other_name_of_the_kernel() -> None:
    files = sorted(set((ROOT / "features" / "posts").glob("*.py")) - {ADMIN})

    others = {name: file.name for file in files for name in used(file.read_text())}

    assert {name: file for name, file in others.items() if name not in listed()} == {}
