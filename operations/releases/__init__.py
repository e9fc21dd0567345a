"""Releases seen from outside: the load that runs across them, the receipt, the live view, the history."""
