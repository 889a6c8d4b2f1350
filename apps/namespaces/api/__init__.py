"""REST endpoints of namespaces: settings, KV pairs, files."""
