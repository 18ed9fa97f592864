"""Values in Redis that are never stale: versions of names, marks of writers, the lease."""
