"""No answer about rules is cached here: the limiter keeps a tier's rules (kernel.rate_limit.dependency)."""
