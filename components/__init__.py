"""What exists: settings become tiers, tiers become workloads, a target turns workloads into resources."""
