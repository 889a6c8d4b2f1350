"""Writes of Apps, and what their pages do."""
