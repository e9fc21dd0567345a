"""What `make up` does before and after Pulumi; status, graph, logs."""
