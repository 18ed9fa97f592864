"""What dev does about revisions: an empty database is migrated, in one with rows they wait."""

from collections.abc import Mapping
from pathlib import Path

from infra.local.servers import IF_EMPTY, MIGRATE, SEED, run_step

WAITING = """\
Revisions wait to be read and applied; until then the database is as it was:
{files}
Apply them: {ways} (back again: hatch run migrate -1)"""

# What the seed of users logs.
OTHER_SUPERUSER = "the superuser has another name or password"


class Revisions:
    """The database's revisions, and the first rows, which need the tables that the code has.

    `at_once` applies whatever is new; `keys` says whether there is a key for it. `other_superuser`
    says whether the seed found one with another name or password than ADMIN_*; None: it hasn't run.
    """

    def __init__(
        self, environment: Mapping[str, str], root: Path, *, at_once: bool, keys: bool
    ) -> None:
        self._environment = environment
        self._root = root
        self._at_once = at_once
        self._ways = "press m, or: hatch run migrate" if keys else "hatch run migrate"
        self.waiting: list[str] = []
        self.other_superuser: bool | None = None

    def settle(self) -> str:
        """Apply what may be applied without being asked; the result says what waits.

        Raises LocalError when a revision fails, or when the file of an applied one is gone.
        """
        if self._at_once:
            self.apply()
            return ""
        said = run_step("migrations", IF_EMPTY, self._environment, self._root)
        self.waiting = said.splitlines()
        if not self.waiting:
            self._seed()
            return ""
        files = "\n".join(f"  {file}" for file in self.waiting)
        return WAITING.format(files=files, ways=self._ways)

    def apply(self) -> None:
        """Apply all of them. Raises LocalError when one fails."""
        run_step("migrations", MIGRATE, self._environment, self._root)
        self.waiting = []
        self._seed()

    def _seed(self) -> None:
        said = run_step("superuser and other first rows", SEED, self._environment, self._root)
        self.other_superuser = OTHER_SUPERUSER in said
