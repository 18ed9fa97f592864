"""Who is calling: login, sessions, tokens, and the permissions other features build on."""
