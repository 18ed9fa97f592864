"""No answer about tiers is cached: few are kept, and each is one row by an index."""
