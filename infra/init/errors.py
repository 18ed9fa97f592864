"""What keeps a clone from becoming a product."""


class InitError(Exception):
    """A sentence that says what is in the way, and the way out. Nothing has been written."""


class Misfit(InitError):
    """A part no longer fits the files that it names: the template's fault, found by its tests."""
