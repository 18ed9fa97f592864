"""What rate limits cost in routes of others: a tier's rules are read where calls are limited."""

adds = {"POST /api/v1/tasks/task": 1}
