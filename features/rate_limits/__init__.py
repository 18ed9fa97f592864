"""Rate limits: how often the users of a tier may call a route."""
