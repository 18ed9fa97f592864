"""docs/concepts.md lists every name of the kernel that this feature uses."""

from infra.checks import ROOT
from tests.test_concepts import listed, used


def test_posts_uses_no_other_name_of_the_kernel() -> None:
    files = sorted((ROOT / "features" / "posts").glob("*.py"))

    others = {name: file.name for file in files for name in used(file.read_text())}

    assert {name: file for name, file in others.items() if name not in listed()} == {}
