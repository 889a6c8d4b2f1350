"""What Celery runs for accounts."""

from celery import shared_task

from apps.accounts.services import forget_expired


@shared_task
def clean_up() -> None:
    """Once a day."""
    forget_expired()
