"""Tests of the dashboard, the alert rules and the metrics they stand on."""
