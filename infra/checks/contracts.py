"""The two import contracts of this house, for import-linter (its table is in pyproject.toml)."""

from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter

from grimp import ImportGraph, build_graph
from importlinter import Contract, ContractCheck, output

from infra.checks.kinds import is_test, refusal


class KindContract(Contract):
    """Each import is judged by the kinds of the two files: see infra.checks.kinds."""

    type_name = "kind"

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        refused = sorted(_refused(graph))
        return ContractCheck(kept=not refused, metadata={"lines": refused})

    def render_broken_contract(self, check: ContractCheck) -> None:
        _print(check)


class NoCircleContract(Contract):
    """No module imports itself through others; a set of layers alone lets such circles pass."""

    type_name = "no_circle"

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        # What only type checkers import is judged by its kind, but closes no circle: it never runs.
        packages = self.session_options["root_packages"]
        graph = build_graph(*packages, exclude_type_checking_imports=True, cache_dir=None)
        circles = [f"{' -> '.join(circle)}: a circle" for circle in _circles(graph)]
        return ContractCheck(kept=not circles, metadata={"lines": circles})

    def render_broken_contract(self, check: ContractCheck) -> None:
        _print(check)


def _print(check: ContractCheck) -> None:
    for line in check.metadata["lines"]:
        output.print_error(line, bold=False)


def _refused(graph: ImportGraph) -> Iterator[str]:
    for importer in graph.modules:
        for imported in graph.find_modules_directly_imported_by(importer):
            if reason := refusal(importer, imported):
                details = graph.get_import_details(importer=importer, imported=imported)
                at = f"line {details[0]['line_number']}: " if details else ""
                yield f"{importer} -> {imported}: {at}{reason}"


def _circles(graph: ImportGraph) -> Iterator[list[str]]:
    """Yield circles until none is left, taking one import out of each that was found."""
    imports = {
        module: set(graph.find_modules_directly_imported_by(module))
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
