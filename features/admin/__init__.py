"""The admin site: rows seen and changed by superusers, in a browser."""
