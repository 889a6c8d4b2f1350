"""Django's entry for invitations."""

from __future__ import annotations

from django.apps import AppConfig


class InvitationsConfig(AppConfig):
    name = "apps.invitations"
    label = "invitations"
