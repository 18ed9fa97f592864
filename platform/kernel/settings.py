"""The settings of a process: the kernel's groups and the features', read together."""

import sys
from multiprocessing import parent_process

from kernel import discovery
from kernel.config.groups import KERNEL_GROUPS, HttpSettings, SecretSettings
from kernel.config.loader import Settings, SettingsError, SettingsGroup


def feature_settings() -> list[type[SettingsGroup]]:
    """The settings groups that features declare."""
    return [
        value
        for module in discovery.load("settings").values()
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, SettingsGroup)
        if value.__module__ == module.__name__
    ]


def load_settings() -> Settings:
    """Settings from the environment and its files. Raises SettingsError, listing every problem."""
    settings = Settings.load([*KERNEL_GROUPS, *feature_settings()])
    several = settings.group(HttpSettings).web_concurrency > 1 or (
        # uvicorn's own supervisor has started this process, and others like it.
        parent_process() is not None and "--workers" in sys.argv
    )
    if several and settings.group(SecretSettings).secret_key is None:
        raise SettingsError(
            "SECRET_KEY is missing: each process would sign with a key of its own, and refuse what "
            "the others have signed. Set it to the output of `openssl rand -hex 32`."
        )
    return settings
