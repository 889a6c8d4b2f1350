"""What Celery runs for accounts."""

from celery import shared_task

from apps.accounts.services import forget_expired
from apps.accounts.services.passwords import start_password_reset


@shared_task
def clean_up() -> None:
    """Once a day."""
    forget_expired()


@shared_task
def mail_password_reset(username: str) -> None:
    """Somebody said that he forgot his password. The link is made here, so the message holds none."""
    start_password_reset(username=username)
