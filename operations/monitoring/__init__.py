"""Asking the platform's own Prometheus and alert managers, from the command line."""
