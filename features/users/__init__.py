"""Accounts: who there is, what is shown to which callers, registration, changes and removal."""
