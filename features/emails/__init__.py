"""Mail: written from templates, sent by a durable job, to nobody who must not get any."""
