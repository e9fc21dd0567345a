"""Purge and warm-up of this member's cache, for operations: ``python3 -m edge_cache purge|warm '<JSON>'``.

Clients can't reach it: it is a command inside the member, not a method or a path of the server.
"""
