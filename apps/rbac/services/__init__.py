"""Writes of roles, groups, bindings and access."""
