"""Tasks about the execution they run in, and about others."""
