"""One page on which somebody who is only told "it is slow" finds the cause: ``make dashboard``."""
