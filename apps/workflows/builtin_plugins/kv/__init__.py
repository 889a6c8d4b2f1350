"""The KV pairs of namespaces."""
