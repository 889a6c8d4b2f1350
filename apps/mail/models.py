"""OutgoingMail: one message to one address, from the moment it is meant until a mail server has it or refused it."""

from django.db import models

from apps.common.clock import now
from apps.common.models import ShortIdField, short_id_key


class MailState(models.TextChoices):
    """PENDING waits or is being carried; BOUNCED was taken by a server and came back."""

    PENDING = "PENDING"
    SENT = "SENT"
    FAILED = "FAILED"
    BOUNCED = "BOUNCED"


class OutgoingMail(models.Model):
    """A row in public. `content` (subject, text, HTML) is encrypted, since links in it open doors, and erased once the
    mail is sent or given up."""

    id: "ShortIdField[str, str]" = short_id_key()
    tenant = models.CharField(max_length=63, blank=True)
    template = models.CharField(max_length=63)
    about = models.CharField(max_length=100, blank=True)
    to = models.EmailField(max_length=254)
    subject = models.CharField(max_length=200)
    content = models.TextField(blank=True)
    state = models.CharField(max_length=10, choices=MailState.choices, default=MailState.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    last_error = models.TextField(blank=True)
    message_id = models.CharField(max_length=255, blank=True)
    """As the mail provider names it in what it tells later."""
    created = models.DateTimeField(default=now)
    next_try = models.DateTimeField(default=now)
    sent = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-id",)
        indexes = (
            models.Index("next_try", name="mail_due", condition=models.Q(state="PENDING")),
            models.Index("about", "id", name="mail_about"),
            models.Index("message_id", name="mail_message", condition=~models.Q(message_id="")),
            models.Index("created", name="mail_created"),
        )

    def __str__(self) -> str:
        return f"{self.template} to {self.to}: {self.state}"
