"""NGINX before the API: configuration, and its rehearsal without docker."""
