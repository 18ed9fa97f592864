"""Other queues, for the jobs' bench; each file runs in an environment of its own."""
