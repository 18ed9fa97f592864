"""Who may import user_ref, by kind of file, so that a new feature is under contract at once."""

from dataclasses import dataclass

# Found by their file name (kernel.discovery), so nobody needs to import them.
ENTRY_POINTS = frozenset(
    {"router", "tasks", "seed", "lifespan", "handlers", "rules", "outbox", "openapi"}
)
# Shapes and names: what another feature may know without knowing how this one works.
SHAPES = frozenset({"models", "settings", "cache_keys", "events"})
# The one feature whose permissions other permissions build on, because it knows who is calling.
AUTH = "auth"

TOP, PASSES, MECHANISMS, BOTTOM = 3, 2, 1, 0
RANK = {
    **dict.fromkeys(ENTRY_POINTS, TOP),
    "permissions": PASSES,
    # Every other name, crud included, is a helper: RANK.get(kind, MECHANISMS).
    **dict.fromkeys(SHAPES, BOTTOM),
}


@dataclass(frozen=True)
class CacheLocation:
    """Where a module stands: its room, and inside `features` the feature and the kind of file."""

    room: str
    feature: str = ""
    kind: str = ""

    @property
    def rank(self) -> int:
        return RANK.get(self.kind, MECHANISMS)

    def __str__(self) -> str:
        if not self.feature:
            return self.room
        if self.kind in SHAPES or self.kind in {"crud", "permissions"}:
            return self.kind
        return f"the entry point {self.kind}" if self.rank == TOP else f"the helper {self.kind}"


def place(module: str) -> CacheLocation:
    """Read the place off the dotted name; a package in a feature has the kind of its own name."""
    room, *rest = module.split(".")
    if room != "features":
        return CacheLocation(room)
    return CacheLocation(room, *rest[:2])


def is_test(module: str) -> bool:
    """Tests may import anything, and nothing but tests may import them."""
    return "tests" in module.split(".") or module.rpartition(".")[2] == "conftest"


def refusal(importer: str, imported: str) -> str | None:
    """Say why `importer` must not import `imported`, or None when it may."""
    if is_test(importer):
        return None
    if is_test(imported):
        return "only tests import tests"
    source, target = place(importer), place(imported)
    if target.room == "infra" and source.room != "infra":
        return "infra holds tools for this checkout; it isn't in the wheel"
    if target.room == "workers" and source.room not in {"workers", "infra"}:
        return f"{source.room} and workers meet in the queue, by the name of a task"
    if source.room == "kernel":
        return "the kernel knows no feature by name" if target.feature else None
    if source.room == "features" and not source.kind:
        return "an __init__.py under features holds a docstring; its imports would run for any file"
    if target.room != "features" or imported == "features":
        return None
    return _refusal_of_a_feature(source, target)


def _refusal_of_a_feature(source: CacheLocation, target: CacheLocation) -> str | None:
    same = source.feature == target.feature
    if not target.kind:
        return "import a file of the feature, not its folder"
    if same and source.kind == target.kind:
        return None  # parts of one package, such as router/admin.py
    if target.rank == TOP:
        return f"{target.kind} is an entry point: found by its file name, imported by nobody"
    if source.room != "features" or source.rank == TOP:
        return None
    if source.rank < target.rank:
        return f"{source} stands below {target}; imports flow down"
    if same:
        return None
    if source.rank == BOTTOM:
        return f"{source} imports no other feature; name the table or move the code up"
    if source.rank == PASSES and target.rank == PASSES and target.feature != AUTH:
        return f"permissions import no other feature's permissions but {AUTH}'s"
    if source.rank == MECHANISMS and target.kind not in SHAPES | {"crud"}:
        return f"of other features, {source} imports models, settings, cache_keys, events and crud"
    return None
