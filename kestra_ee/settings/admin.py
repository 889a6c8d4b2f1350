"""The admin console."""

from apps.common.admin_theme import ADMIN_THEME

UNFOLD = ADMIN_THEME
