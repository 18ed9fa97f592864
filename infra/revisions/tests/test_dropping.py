"""Tables that go do so after those that refer to them, in whatever order Alembic found them."""

from itertools import permutations

import pytest
from alembic.operations import ops
from sqlalchemy import Column, ForeignKey, Integer, MetaData, Table

from infra.revisions.dropping import drop_referring_first

metadata = MetaData()
ORDERS = list(permutations(["invoice", "tag", "link"]))


def column(name: str, *keys: ForeignKey) -> Column[int]:
    return Column(name, Integer, *keys)


TABLES = {
    "invoice": Table("invoice", metadata, column("id"), column("of", ForeignKey("invoice.id"))),
    "tag": Table("tag", metadata, column("id")),
    "link": Table(
        "link",
        metadata,
        column("invoice_id", ForeignKey("invoice.id")),
        column("tag_id", ForeignKey("tag.id")),
    ),
}


@pytest.mark.parametrize("found", ORDERS)
def test_the_pairs_go_before_what_they_pair(found: tuple[str, ...]) -> None:
    upgrade = ops.UpgradeOps([ops.DropTableOp.from_table(TABLES[name]) for name in found])
    upgrade.ops.append(ops.ExecuteSQLOp("DROP TYPE status"))

    drop_referring_first(upgrade)

    dropped = [op.table_name for op in upgrade.ops if isinstance(op, ops.DropTableOp)]
    assert sorted(dropped) == ["invoice", "link", "tag"]
    assert dropped[0] == "link"
    assert isinstance(upgrade.ops[-1], ops.ExecuteSQLOp)
