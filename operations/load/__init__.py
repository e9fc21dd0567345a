"""Load on a running stack, typed by its user: what do clients notice while something changes?"""
