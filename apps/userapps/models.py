"""Rows of Apps: what was written, what was started through them, what was decided, and how often they were used."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import F, Q

from apps.common.clock import now
from apps.common.colours import TEXT_CONTRAST, contrast, ink_on
from apps.common.models import ShortIdField, TenantRow, TimestampedRow, short_id_key


class UserApp(TenantRow, TimestampedRow):
    """An App at its newest revision. ``uid`` is the only key of its link: random, and another after "new link".

    The columns beside ``source`` are taken from it, for lists and look-ups. ``embed_hosts`` is kept here, not in the
    YAML: the hosts whose pages may show the App in a frame.
    """

    id: ShortIdField[str, str] = short_id_key()
    uid = models.CharField(max_length=22, unique=True, db_collation="C")
    namespace = models.CharField(max_length=150, db_collation="C")
    app_id = models.CharField(max_length=100, db_collation="C")
    display_name = models.CharField(max_length=150)
    description = models.TextField(blank=True)
    flow_id = models.CharField(max_length=100, blank=True)
    is_public = models.BooleanField(default=False)
    groups: Any = models.JSONField(default=list)
    in_catalog = models.BooleanField(default=True)
    opens = models.DateTimeField(null=True)
    closes = models.DateTimeField(null=True)
    tags: Any = models.JSONField(default=list)
    thumbnail = models.CharField(max_length=500, blank=True, db_default="")
    disabled = models.BooleanField(default=False)
    revision = models.PositiveIntegerField(default=0)
    source = models.TextField()
    embed_hosts: Any = models.JSONField(default=list)

    class Meta(TenantRow.Meta):
        constraints = (models.UniqueConstraint(fields=["namespace", "app_id"], name="userapp_name"),)
        ordering = ("namespace", "app_id")

    def __str__(self) -> str:
        return f"{self.namespace}.{self.app_id}"


class AppRevision(TenantRow):
    """What an App was at some time."""

    app = models.ForeignKey(UserApp, on_delete=models.CASCADE, related_name="revisions")
    revision = models.PositiveIntegerField()
    source = models.TextField()
    author_id = models.CharField(max_length=22, blank=True)
    created = models.DateTimeField(default=now)

    class Meta(TenantRow.Meta):
        constraints = (models.UniqueConstraint(fields=["app", "revision"], name="userapp_revision"),)


class AppRun(TenantRow):
    """An execution that was started through an App. It outlives its App.

    ``nonce`` comes with each form that is shown, so that a form sent twice starts one execution. ``client`` is a keyed
    digest of the caller's address, for the limits of PUBLIC Apps.
    """

    execution_id: ShortIdField[str, str] = ShortIdField(primary_key=True)
    app = models.ForeignKey(UserApp, null=True, on_delete=models.SET_NULL, related_name="runs")
    nonce = models.CharField(max_length=22, db_collation="C")
    user_id = models.CharField(max_length=22, blank=True, db_collation="C")
    user_name = models.CharField(max_length=254, blank=True)
    client = models.CharField(max_length=32, blank=True)
    created = models.DateTimeField(default=now)

    class Meta(TenantRow.Meta):
        constraints = (models.UniqueConstraint(fields=["app", "nonce"], name="userapp_run_nonce"),)
        indexes = (
            models.Index("app", F("created").desc(), name="userapp_run_recent"),
            models.Index("client", F("created").desc(), condition=~Q(client=""), name="userapp_run_client"),
            models.Index("user_id", F("created").desc(), condition=~Q(user_id=""), name="userapp_run_user"),
        )


class Verdict(models.TextChoices):
    """What was decided about an execution that waited."""

    RESUMED = "RESUMED"
    CANCELLED = "CANCELLED"


class AppDecision(TenantRow):
    """Who let a waiting execution go on or ended it, through an App. ``waited`` counts seconds since it paused."""

    id: ShortIdField[str, str] = short_id_key()
    execution_id: ShortIdField[str, str] = ShortIdField()
    app = models.ForeignKey(UserApp, null=True, on_delete=models.SET_NULL, related_name="decisions")
    verdict = models.CharField(max_length=10, choices=Verdict.choices)
    comment = models.TextField(blank=True)
    user_id = models.CharField(max_length=22, blank=True, db_collation="C")
    user_name = models.CharField(max_length=254, blank=True)
    waited = models.FloatField(null=True)
    created = models.DateTimeField(default=now)

    class Meta(TenantRow.Meta):
        indexes = (
            models.Index("execution_id", F("created").desc(), name="userapp_decision_run"),
            models.Index("app", F("created").desc(), name="userapp_decision_app"),
        )


class AppDay(TenantRow):
    """How often an App was opened and submitted on a day (UTC)."""

    app = models.ForeignKey(UserApp, on_delete=models.CASCADE, related_name="days")
    day = models.DateField()
    opened = models.PositiveIntegerField(default=0)
    submitted = models.PositiveIntegerField(default=0)

    class Meta(TenantRow.Meta):
        constraints = (models.UniqueConstraint(fields=["app", "day"], name="userapp_day"),)


class AppFavourite(TenantRow):
    """An App that a person wants first in the catalog."""

    user_id = models.CharField(max_length=22, db_collation="C")
    app = models.ForeignKey(UserApp, on_delete=models.CASCADE, related_name="favourites")

    class Meta(TenantRow.Meta):
        constraints = (models.UniqueConstraint(fields=["user_id", "app"], name="userapp_favourite"),)


class AppBrand(TenantRow, TimestampedRow):
    """How the tenant's Apps look: one row at most. ``logo`` is the address of a picture in internal storage."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    title = models.CharField(max_length=100, blank=True)
    colour = models.CharField(max_length=7, blank=True)
    logo = models.TextField(blank=True)

    class Meta(TenantRow.Meta):
        constraints = (models.CheckConstraint(condition=Q(id=1), name="userapp_one_brand"),)

    @property
    def ink(self) -> str:
        """The colour of text on ``colour``."""
        return ink_on(self.colour)

    @property
    def is_readable(self) -> bool:
        """Whether links may have ``colour`` on a white page."""
        return contrast(self.colour, "#ffffff") >= TEXT_CONTRAST
