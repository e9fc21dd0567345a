"""Orders: the application that runs on a new Evenkeel platform and witnesses its releases and drills."""

__version__ = "1.0.0"
