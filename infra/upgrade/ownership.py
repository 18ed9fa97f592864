"""Whose a file is: what stays as the project has it, and what commands write anew."""

import re
from collections.abc import Set as AbstractSet

from infra.upgrade.origin import Origin, is_below

# What `hatch run init` begins anew; the template's own say nothing about a product.
OWNED = ("README.md", "CHANGELOG.md")
WRITTEN = re.compile(
    r"requirements(-\w+)?\.lock|\.env\.example|(.+/)?tests/(.+/)?(openapi\.json|(access|statements)\.txt)"
)
FEATURE = re.compile(r"features/\w+/")
TEMPLATES = ("platform/", "workers/", "infra/", "tests/", "typings/", "migrations/")


def stays(path: str, origin: Origin, before: AbstractSet[str], base: AbstractSet[str]) -> bool:
    """Whether the file stays as the project has it, or stays away.

    `before` are the project's files, `base` those of the version that it has from the template: a
    feature of that version which the project has no longer was removed on purpose.
    """
    if origin.is_product and path in OWNED:
        return True
    if any(is_below(path, one) for paths in origin.dropped.values() for one in paths):
        return True
    feature = FEATURE.match(path)
    return feature is not None and _any(base, feature[0]) and not _any(before, feature[0])


def is_written(path: str) -> bool:
    """Whether a command writes the file, so that two versions of it needn't be united by hand."""
    return WRITTEN.fullmatch(path) is not None


def is_templates(path: str) -> bool:
    """Whether the file lies where a project changes little."""
    return path.startswith(TEMPLATES)


def _any(files: AbstractSet[str], folder: str) -> bool:
    return any(file.startswith(folder) for file in files)
