"""The one error that people see as a sentence, without a traceback."""


class LocalError(Exception):
    """Something on this machine stands in the way; the message says what, and the way out."""
