"""One file per `make bench...`; each prints a table and writes JSON under build/bench/."""
