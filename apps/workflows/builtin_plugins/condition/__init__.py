"""The conditions of the core."""
