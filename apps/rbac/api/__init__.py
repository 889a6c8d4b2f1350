"""Endpoints of roles, groups, bindings and people."""
