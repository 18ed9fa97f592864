"""The ARQ worker: settings.py collects the functions and cron jobs of every feature."""
