"""Rows of namespaces."""

from apps.namespaces.models.key_value import KeyValue, alive, expired
from apps.namespaces.models.namespace import Namespace

__all__ = ["KeyValue", "Namespace", "alive", "expired"]
