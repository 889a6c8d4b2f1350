"""Tasks that decide which other tasks run."""
