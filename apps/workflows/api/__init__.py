"""REST endpoints of flows, executions, logs, metrics and plugins; thin."""
