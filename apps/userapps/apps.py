"""Django's entry for Apps."""

from __future__ import annotations

from django.apps import AppConfig


class UserAppsConfig(AppConfig):
    name = "apps.userapps"
    label = "userapps"
