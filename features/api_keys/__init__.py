"""API keys: what programs call with in place of a login, for some routes and some time."""
