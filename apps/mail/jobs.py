"""What Celery runs for mail."""

import threading

from celery import shared_task
from django.db import connection

from apps.mail.services import carry_due, forget_old_mail

_carrying = threading.Lock()


@shared_task
def carry() -> None:
    """Carry what is due, in a thread of its own: a mail server that does not answer must not hold up time and kills.

    When the process ends in between, the rows are due again after their lease.
    """
    if _carrying.acquire(blocking=False):
        threading.Thread(target=_carry, name="mail", daemon=True).start()


@shared_task
def clean_up() -> None:
    """Once a day."""
    forget_old_mail()


def _carry() -> None:
    try:
        carry_due()
    finally:
        connection.close()
        _carrying.release()
