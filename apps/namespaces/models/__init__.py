"""Rows of namespaces."""

from apps.namespaces.models.key_value import KeyValue, alive, expired

__all__ = ["KeyValue", "alive", "expired"]
