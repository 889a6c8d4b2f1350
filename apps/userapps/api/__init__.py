"""REST endpoints of Apps."""
