"""Secrets per namespace, inherited downwards, in the backend chosen for each level."""
