"""Brings back members that died, starts those that have a schedule, and says what it did. Runs as a pair.

It ships into the image ``supervisor``, hence imports nothing of this checkout but itself, and besides Python's standard
library only cronsim. Decisions are pure functions of what the engine says (``verdict``, ``pauses``, ``schedule``);
``engine`` and ``etcd`` talk; ``supervisor`` is the loop.

The engine brings back what crashed by itself. Left to us is what it gives up: a member that somebody's signal ended
(``docker kill``, whichever signal it was, also one that the process survived before it crashed), and one whose pause
between restarts grew long.
"""
