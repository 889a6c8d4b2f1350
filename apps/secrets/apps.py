"""Django's entry for secrets."""

from __future__ import annotations

from django.apps import AppConfig


class SecretsConfig(AppConfig):
    name = "apps.secrets"
    label = "secrets"
