"""The settings of a process: the kernel's groups and the features', read together."""

from kernel import discovery
from kernel.config.groups import KERNEL_GROUPS
from kernel.config.loader import Settings, SettingsGroup


def feature_settings() -> list[type[SettingsGroup]]:
    """The settings groups that features declare."""
    found: list[type[SettingsGroup]] = []
    for module in discovery.load("settings").values():
        for value in vars(module).values():
            is_group = isinstance(value, type) and issubclass(value, SettingsGroup)
            if is_group and value.__module__ == module.__name__:
                found.append(value)
    return found


def load_settings() -> Settings:
    """Settings from the environment and its files. Raises SettingsError, listing every problem."""
    return Settings.load([*KERNEL_GROUPS, *feature_settings()])
