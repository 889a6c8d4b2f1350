"""The triggers of the core."""
