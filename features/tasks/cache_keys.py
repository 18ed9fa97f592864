"""No answer of this feature is cached: a job's state is read where it is kept."""
