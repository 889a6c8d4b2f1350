"""Reads of flows, executions and what belongs to them."""
