"""Pages of Apps."""
