"""Apps that a person wants first in the catalog. No audit: they concern nobody else."""

from __future__ import annotations

from apps.userapps.models import AppFavourite, UserApp


def switch_favourite(*, user_id: str, app: UserApp) -> bool:
    """Mark the App, or take the mark away; true when it is marked now."""
    marked, created = AppFavourite.objects.get_or_create(user_id=user_id, app=app)
    if not created:
        marked.delete()
    return created
