"""Tasks that report numbers."""
