"""The import contracts of this project, for import-linter (its table is in pyproject.toml)."""

from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter

from grimp import ImportGraph, build_graph
from importlinter import Contract, ContractCheck, output

from infra.checks.exports import hidden_imports
from infra.checks.kinds import is_test, refusal, relates_models


class KindContract(Contract):
    """Each import is judged by the kinds of the two files: see infra.checks.kinds."""

    type_name = "kind"
    advice = (
        "move what both need to a file below both, or take it as an argument, or emit an event. "
        "See docs/gates.md#a-forbidden-import"
    )

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        packages = self.session_options["root_packages"]
        at_runtime = build_graph(*packages, exclude_type_checking_imports=True, cache_dir=None)
        refused = sorted(_refused(graph, at_runtime))
        return ContractCheck(kept=not refused, metadata={"lines": refused})

    def render_broken_contract(self, check: ContractCheck) -> None:
        _print(check, self.advice)


class NoCircleContract(Contract):
    """No module imports itself through others, what only type checkers import included.

    The one exception: models of two features may name each other's classes in the annotations of
    their relationships. Such an import never runs.
    """

    type_name = "no_circle"
    advice = (
        "move what both need to a file that imports neither. See docs/gates.md#a-circle-of-imports"
    )

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        circles = [f"{' -> '.join(circle)}: a circle" for circle in _circles(graph)]
        return ContractCheck(kept=not circles, metadata={"lines": circles})

    def render_broken_contract(self, check: ContractCheck) -> None:
        _print(check, self.advice)


class ExportsContract(Contract):
    """Features import only what the kernel's folders export: see infra.checks.exports."""

    type_name = "exports"
    advice = (
        "import what the folder exports, or ask for an export in its __init__. "
        "See docs/gates.md#a-name-that-the-kernel-does-not-export"
    )

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        modules = [name for name in graph.modules if name.startswith("features.")]
        hidden = [
            f"{module} -> {name}: line {line}: {reason}"
            for module in sorted(modules)
            if not is_test(module)
            for name, line, reason in hidden_imports(module)
        ]
        return ContractCheck(kept=not hidden, metadata={"lines": hidden})

    def render_broken_contract(self, check: ContractCheck) -> None:
        _print(check, self.advice)


def _print(check: ContractCheck, advice: str) -> None:
    for line in [*check.metadata["lines"], f"What to do: {advice}"]:
        output.print_error(line, bold=False)


def _refused(graph: ImportGraph, at_runtime: ImportGraph) -> Iterator[str]:
    for importer in graph.modules:
        for imported in graph.find_modules_directly_imported_by(importer):
            runs = at_runtime.direct_import_exists(importer=importer, imported=imported)
            if reason := refusal(importer, imported, only_for_types=not runs):
                details = graph.get_import_details(importer=importer, imported=imported)
                at = f"line {details[0]['line_number']}: " if details else ""
                yield f"{importer} -> {imported}: {at}{reason}"


def _circles(graph: ImportGraph) -> Iterator[list[str]]:
    """Yield circles until none is left, taking one import out of each that was found."""
    imports = {
        module: {
            imported
            for imported in graph.find_modules_directly_imported_by(module)
            if not relates_models(module, imported)
        }
        for module in sorted(graph.modules)
        if not is_test(module)
    }
    while True:
        try:
            TopologicalSorter(imports).prepare()
        except CycleError as error:
            # graphlib lists each module after the one that imports it.
            imported, importer, *_ = circle = error.args[1]
            yield circle[::-1]
            imports[importer].discard(imported)
        else:
            return
