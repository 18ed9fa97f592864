"""Accounts: who there is, what is shown of whom, registration, changes and removal."""
