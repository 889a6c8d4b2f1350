"""Django's entry for mail."""

from __future__ import annotations

from django.apps import AppConfig


class MailConfig(AppConfig):
    name = "apps.mail"
    label = "mail"
