"""What Celery runs for invitations."""

from celery import shared_task

from apps.invitations.services.joining import forget_guesses


@shared_task
def clean_up() -> None:
    """Once a day."""
    forget_guesses()
