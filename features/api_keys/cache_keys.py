"""Names under which the callers behind keys are kept, and forgotten."""

CALLER = "api_key_caller:{prefix}"
API_KEY = "api_key:{prefix}"
