"""The logic behind the generated resources, apart from the thin providers that Pulumi pickles into its state."""
