"""Rows ⇄ frontier: loading, locking, saving, claims. The only place that writes Execution and TaskRun rows."""
