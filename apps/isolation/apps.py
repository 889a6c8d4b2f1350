"""Django's entry for the choices of backends."""

from __future__ import annotations

from django.apps import AppConfig


class IsolationConfig(AppConfig):
    name = "apps.isolation"
    label = "isolation"
