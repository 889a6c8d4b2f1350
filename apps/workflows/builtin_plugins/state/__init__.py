"""Tasks that keep a state between executions."""
