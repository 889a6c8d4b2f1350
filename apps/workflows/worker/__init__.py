"""Runs user work; never touches execution rows."""
