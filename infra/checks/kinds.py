"""Which module may import which, by kind of file: a new feature is under contract at once."""

from dataclasses import dataclass

# Found by their file name (kernel.discovery), so no module needs to import them.
ENTRY_POINTS = frozenset(
    {
        *("router", "pages", "tasks", "seed", "lifespan", "handlers", "providers"),
        *("personal_data", "admin"),
    }
)
# Shapes and names: what another feature may know without knowing how this one works.
SHAPES = frozenset({"models", "settings", "cache_keys", "events"})
# The one feature whose permissions other permissions build on, because it knows who is calling.
AUTH = "auth"

TOP, PASSES, MECHANISMS, BOTTOM = 3, 2, 1, 0
RANK = {
    **dict.fromkeys(ENTRY_POINTS, TOP),
    "permissions": PASSES,
    # Every other name is a mechanism, as crud is: RANK.get(kind, MECHANISMS).
    **dict.fromkeys(SHAPES, BOTTOM),
}

# The kernel's folders and root modules, from the lowest. Each imports what stands before its own
# layer; the last layer, the wiring, also imports within itself.
WIRING = frozenset(
    {
        "resources",
        "events",
        "logs",
        "lifespan",
        "app",
        "main",
        "serve",
        "seed",
        "settings",
    }
)
KERNEL_LAYERS = (
    frozenset({"config", "errors", "discovery"}),
    frozenset({"redis", "schemas"}),
    frozenset({"db"}),
    frozenset({"context"}),
    frozenset({"jobs"}),
    frozenset({"cache"}),
    frozenset({"rate_limit"}),
    frozenset({"web"}),
    frozenset({"fast"}),
    frozenset({"observability"}),
    WIRING,
)
LAYER_OF = {name: number for number, layer in enumerate(KERNEL_LAYERS) for name in layer}


@dataclass(frozen=True)
class Location:
    """Where a module stands: its top package; inside `features` the feature and kind of file."""

    package: str
    feature: str = ""
    kind: str = ""

    @property
    def rank(self) -> int:
        return RANK.get(self.kind, MECHANISMS)

    def __str__(self) -> str:
        if not self.feature:
            return self.package
        return f"the entry point {self.kind}" if self.rank == TOP else self.kind


def location(module: str) -> Location:
    """Read the location off the dotted name; a package in a feature has the kind of its name."""
    package, *rest = module.split(".")
    return Location(package, *rest[:2]) if package == "features" else Location(package)


def is_test(module: str) -> bool:
    """Tests may import anything, and only tests may import them."""
    return "tests" in module.split(".") or module.rpartition(".")[2] == "conftest"


def relates_models(importer: str, imported: str) -> bool:
    """Whether models import another feature's models, as a Relationship's annotation does."""
    source, target = location(importer), location(imported)
    return source.feature != target.feature and source.kind == target.kind == "models"


def refusal(importer: str, imported: str, only_for_types: bool = False) -> str | None:
    """Say why `importer` must not import `imported`, or None when it may."""
    if is_test(importer):
        return None
    if is_test(imported):
        return "only tests import tests"
    source, target = location(importer), location(imported)
    if target.package == "infra" and source.package != "infra":
        return "infra holds tools for this checkout; it isn't in the wheel"
    if target.package == "workers" and source.package not in {"workers", "infra"}:
        return f"{source.package} and workers meet in the queue, by the name of a task"
    if source.package == "kernel":
        if target.feature:
            return "the kernel knows no feature by name"
        return _upward(importer, imported) if target.package == "kernel" else None
    if source.package == "features" and not source.kind:
        return "an __init__.py under features holds a docstring; its imports would run for any file"
    if target.package != "features" or imported == "features":
        return None
    if only_for_types and relates_models(importer, imported):
        return None
    return _refusal_of_a_feature(source, target)


def _upward(importer: str, imported: str) -> str | None:
    above, below = importer.split(".")[1:2], imported.split(".")[1:2]
    if not above or not below or above == below:
        return None
    for name in (*above, *below):
        if name not in LAYER_OF:
            return f"kernel.{name} is in no layer: name it in KERNEL_LAYERS (infra/checks/kinds.py)"
    if WIRING.issuperset(above + below) or LAYER_OF[below[0]] < LAYER_OF[above[0]]:
        return None
    return f"kernel.{above[0]} doesn't stand above kernel.{below[0]}; imports flow down"


def _refusal_of_a_feature(source: Location, target: Location) -> str | None:
    same = source.feature == target.feature
    if not target.kind:
        return "import a file of the feature, not its folder"
    if same and source.kind == target.kind:
        return None  # parts of one package, such as router/admin.py
    if target.rank == TOP:
        return f"{target.kind} is an entry point: found by its file name, never imported"
    if source.package != "features" or source.rank == TOP:
        return None
    if source.rank < target.rank:
        return f"{source} stands below {target}; imports flow down"
    if same:
        return None
    if source.rank == BOTTOM:
        return (
            f"{source} imports no other feature; name the table, move the code up, or import "
            "another feature's models under TYPE_CHECKING, for a Relationship"
        )
    if source.rank == PASSES and target.rank == PASSES and target.feature != AUTH:
        return f"permissions import no other feature's permissions but {AUTH}'s"
    if source.rank == MECHANISMS and target.kind not in SHAPES | {"crud"}:
        return f"of other features, {source} imports models, settings, cache_keys, events and crud"
    return None
