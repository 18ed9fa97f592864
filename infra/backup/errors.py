"""What keeps a backup from being made or used."""


class BackupError(Exception):
    """A sentence that says what is in the way. Nothing that was there has been overwritten."""
