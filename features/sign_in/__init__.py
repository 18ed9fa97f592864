"""Sign-in by others: OpenID Connect with any provider, by settings."""
