"""Modules that scripts may import."""
