"""Accounts: who there is, what is shown of user_ref, registration, changes and removal."""
