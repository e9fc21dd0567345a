"""Where it runs: each target turns workloads into the resources of one engine."""
