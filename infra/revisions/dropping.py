"""Tables are dropped after those that refer to them; Alembic drops them in any order."""

from graphlib import CycleError, TopologicalSorter

from alembic.operations import ops


def drop_referring_first(upgrade: ops.UpgradeOps) -> None:
    """Order the tables that go. Two that refer to each other stay as they are."""
    drops = {op.table_name: op for op in upgrade.ops if isinstance(op, ops.DropTableOp)}
    before: dict[str, set[str]] = {name: set() for name in drops}
    for name, drop in drops.items():
        for key in drop.to_table().foreign_key_constraints:
            for element in key.elements:
                referred = element.target_fullname.split(".")[-2]
                if referred in drops and referred != name:
                    before[referred].add(name)
    try:
        order = list(TopologicalSorter(before).static_order())
    except CycleError:
        return
    # Behind the last one, so that each table's indexes go first, as Alembic has written them.
    places = [place for place, op in enumerate(upgrade.ops) if op in drops.values()]
    if places:
        upgrade.ops[places[-1] + 1 : places[-1] + 1] = [drops[name] for name in order]
        for place in reversed(places):
            del upgrade.ops[place]
