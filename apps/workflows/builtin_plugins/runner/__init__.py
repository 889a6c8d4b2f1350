"""Task runners: where the process of a script task runs."""
