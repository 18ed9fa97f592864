"""`arq workers.settings.WorkerSettings`: the worker, with the tasks of every feature."""

import arq.worker

from kernel.app import load_settings
from kernel.lifespan import end_with_hatch
from kernel.settings import SettingsError
from workers.options import options
from workers.worker import Worker

# ARQ's command builds the class of that name, and offers no other way to give it ours.
arq.worker.Worker = Worker  # type: ignore[misc]

end_with_hatch()
try:
    WorkerSettings = options(load_settings())
except SettingsError as error:
    raise SystemExit(str(error)) from None
