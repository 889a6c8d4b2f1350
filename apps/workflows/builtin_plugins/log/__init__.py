"""Tasks about the log."""
