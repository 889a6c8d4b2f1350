"""Plugins of io.kestra.plugin.redis."""
