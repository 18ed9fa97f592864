"""Dashboard, alert rules, and what holds them and the documentation to the metrics there are."""
