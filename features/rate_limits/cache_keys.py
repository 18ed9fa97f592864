"""No answer about rules is cached here: `rate_limiter` keeps a tier's rules itself."""
