"""What a code, a passkey and a ticket must pass, and who is held to have one."""
