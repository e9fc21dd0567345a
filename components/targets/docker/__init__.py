"""The Docker target: members are containers on this machine's engine.

Imports nothing: the providers' process loads only the module it needs, at every preview.
"""
