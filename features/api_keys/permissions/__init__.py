"""Who an API key speaks for, and which calls it reaches."""
