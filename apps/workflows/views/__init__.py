"""Pages of flows and executions."""
