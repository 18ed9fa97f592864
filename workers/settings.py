"""`arq workers.settings.WorkerSettings`: the worker, with the tasks of every feature."""

import arq.worker

from kernel.config.loader import SettingsError
from kernel.config.parent import exit_with_parent
from kernel.settings import load_settings
from workers.options import options
from workers.worker import Worker

# ARQ's command builds the class of that name, and offers no other way to give it ours.
arq.worker.Worker = Worker  # type: ignore[misc]

exit_with_parent()
try:
    WorkerSettings = options(load_settings())
except SettingsError as error:
    raise SystemExit(str(error)) from None
