"""`arq workers.settings.WorkerSettings`: the worker, with the tasks of every feature."""
