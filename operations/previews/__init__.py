"""What a change would do to a stack, for those who review it: one report, shown in a terminal or as a comment.

``gather`` asks Pulumi's engine and makes the ``report``; ``rows``, ``diffs``, ``cost`` and ``graph`` fill it,
``masking`` takes every secret out of it, ``markdown`` and ``text`` show it; ``hosts`` keep one comment per stack up to
date. The words for effects are those of ``operations/changes/words.py``.
"""
