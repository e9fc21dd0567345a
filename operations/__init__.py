"""What watches, measures and judges a running platform."""
