"""Whether an e-mail address is its account's: of a new account, and of a new address."""
