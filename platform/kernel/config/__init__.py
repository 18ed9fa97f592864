"""Settings: read from their sources, in groups that are declared where they are needed."""

from kernel.config.groups import AppSettings, HttpSettings, SecretSettings
from kernel.config.loader import Environment, Settings, SettingsError, SettingsGroup, is_weak

__all__ = ["AppSettings", "Environment", "HttpSettings", "SecretSettings", "Settings"]
__all__ += ["SettingsError", "SettingsGroup", "is_weak"]
