"""Drills: a fault on a running platform while a client uses it, and a report of what that client saw and what was lost.

``witness`` is the client, ``ledger``, ``timeline`` and ``verdict`` judge what it saw (pure functions), ``faults`` break
something and put it right again, ``observers`` follow who leads, ``catalogue`` says which drills there are and what
each must keep, ``run`` does one, ``report`` and ``page`` tell of it.
"""
