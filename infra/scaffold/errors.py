"""What can't be written, or taken away, in a sentence."""


class ScaffoldError(Exception):
    """Nothing was changed; the message says what to do instead."""
