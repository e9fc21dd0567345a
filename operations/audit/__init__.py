"""Who did what to a stack: noting what setup does, and showing the log."""
