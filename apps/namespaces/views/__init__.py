"""Pages of a namespace: settings, KV pairs, files."""
