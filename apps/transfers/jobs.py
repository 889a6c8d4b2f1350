"""What Celery runs for transfers, on the workers of the default group."""

from celery import shared_task

from apps.transfers.services import carry_on


@shared_task
def carry() -> None:
    """A transfer that nobody holds goes on for a while."""
    carry_on()
