"""The edge's caches as an operation: purge what is out of date, warm up what will be asked for."""
