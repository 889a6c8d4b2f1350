"""HTTP calls."""
