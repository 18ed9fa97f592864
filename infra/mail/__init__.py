"""Mail in development: a server that keeps what it is sent, and a page that shows it."""
