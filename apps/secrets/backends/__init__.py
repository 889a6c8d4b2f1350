"""Backends of secrets, each found by entry point."""
