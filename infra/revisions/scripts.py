"""Whether a change takes one revision or two."""

import copy

from alembic.operations import ops
from alembic.util import rev_id

from infra.revisions.structure import Steps


def divide(directives: list[ops.MigrationScript], later: Steps) -> None:
    """Put what comes later into a revision of its own, after the one that is there.

    An index that is built beside writes needs no transaction. Were it in one revision with other
    changes, these would be committed before it, and the revision couldn't be repeated when the
    index fails. Where nothing changed, no revision is written.
    """
    [script] = directives
    upgrade, downgrade = script.upgrade_ops, script.downgrade_ops
    assert upgrade is not None
    assert downgrade is not None
    operations = [*later.before, *later.after]
    if not upgrade.ops or script.message is None:  # None: `alembic check`, which looks at one
        upgrade.ops += operations
        upgrade.reverse_into(downgrade)
        if not upgrade.ops and script.message is not None:
            directives.clear()
    elif operations:
        second = copy.copy(script)
        second.rev_id, second.head = rev_id(), script.rev_id
        second.message = f"second step of {script.message}"
        up = ops.UpgradeOps(operations, upgrade_token=upgrade.upgrade_token)
        down = ops.DowngradeOps([], downgrade_token=downgrade.downgrade_token)
        second.upgrade_ops, second.downgrade_ops = up, up.reverse_into(down)
        directives.append(second)
