"""What keeps a later version from being brought in."""


class UpgradeError(Exception):
    """A sentence that says what is in the way, and the way out."""


class GitError(UpgradeError):
    """What git says, or that there is none."""
