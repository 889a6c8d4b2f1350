"""Invitation: an address, what its owner will be given, and how long the link is good. And who guesses links."""

from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db import models
from django.db.models import Q

from apps.common.clock import now
from apps.common.ids import from_uuid
from apps.common.models import ShortIdField


class Status(models.TextChoices):
    """As stored. EXPIRED is PENDING whose time is over."""

    PENDING = "PENDING"
    ACCEPTED = "ACCEPTED"
    REVOKED = "REVOKED"
    EXPIRED = "EXPIRED"


def new_token() -> str:
    """An id that is the link's secret: 122 random bits, unlike other ids, which begin with the time."""
    return from_uuid(uuid4())


class Invitation(models.Model):
    """A row in public, since whoever accepts it may have no tenant yet. `tenant_id` empty: to the installation."""

    id: "ShortIdField[str, str]" = ShortIdField(primary_key=True, default=new_token, editable=False)
    tenant_id = models.CharField(max_length=59, blank=True)
    email = models.EmailField(max_length=254)
    bindings: Any = models.JSONField(default=list)
    """[{"roleId": …, "namespaceId": …}], namespaceId left out for the whole tenant."""
    group_ids: Any = models.JSONField(default=list)
    super_admin = models.BooleanField(default=False)
    message = models.CharField(max_length=1000, blank=True)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PENDING)
    invited_by = ShortIdField(null=True)
    invited_by_name = models.CharField(max_length=310, blank=True)
    sent_at = models.DateTimeField(default=now)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    asked_again_at = models.DateTimeField(null=True)
    """When the invited person asked for a new link after this one had expired."""

    class Meta:
        ordering = ("-sent_at",)
        constraints = (
            models.UniqueConstraint(
                "tenant_id", "email", condition=Q(status=Status.PENDING), name="invitation_one_pending"
            ),
        )
        indexes = (
            models.Index(fields=["tenant_id", "-sent_at"], name="invitation_sent"),
            models.Index("email", name="invitation_email"),
        )

    def __str__(self) -> str:
        return f"{self.email} to {self.tenant_id or 'the installation'}"

    @property
    def is_over(self) -> bool:
        """Whether a pending one has expired."""
        return self.expires_at <= now()

    @property
    def state(self) -> Status:
        """What people see."""
        return Status.EXPIRED if self.status == Status.PENDING and self.is_over else Status(self.status)

    @property
    def path(self) -> str:
        return f"/ui/invite/{self.id}"

    @property
    def link(self) -> str:
        """Always under the configured address: never under a host name that a request brought."""
        return settings.KESTRA_URL + self.path

    @property
    def subject(self) -> str:
        """What its mails are about."""
        return f"invitation:{self.id}"


class GuessGuard(models.Model):
    """Links that do not exist, asked from one address within a window."""

    address = models.CharField(primary_key=True, max_length=45)
    misses = models.PositiveIntegerField(default=0)
    since = models.DateTimeField(default=now)

    def __str__(self) -> str:
        return self.address
