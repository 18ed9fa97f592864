"""`uvicorn kernel.main:app --no-proxy-headers`: the API, from the environment's settings."""

from kernel.app import create_application
from kernel.config.loader import SettingsError

try:
    app = create_application()
except SettingsError as error:
    raise SystemExit(str(error)) from None
