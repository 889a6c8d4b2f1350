"""Banner, who has dismissed it, News and who has read it. The same tables in public (instance) and in each tenant."""

from typing import Any

from django.db import models
from django.db.models import F, Q

from apps.common.clock import now
from apps.common.models import ShortIdField, TimestampedRow, short_id_key


class BannerType(models.TextChoices):
    """How loud. ERROR cannot be dismissed."""

    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"


class Banner(TimestampedRow):
    """One announcement. In public it is the installation's, for `tenants` (none: all); in a tenant's schema it is the
    tenant's own, for `group_ids` (none: everybody in it). Shown from `start_date` until before `end_date`."""

    id: "ShortIdField[str, str]" = short_id_key()
    message = models.CharField(max_length=300, help_text="One line; **bold**, *italic*, `code` and [links](https://…).")
    type = models.CharField(max_length=10, choices=BannerType.choices, default=BannerType.INFO)
    start_date = models.DateTimeField(default=now)
    end_date = models.DateTimeField(null=True, blank=True, help_text="Empty: until it is deleted.")
    tenants: Any = models.JSONField(default=list, blank=True)
    group_ids: Any = models.JSONField(default=list, blank=True)
    dismissible = models.BooleanField(default=True)
    on_sign_in = models.BooleanField(default=False, help_text="Also on the sign-in page, when it is for everybody.")
    in_apps = models.BooleanField(default=False, help_text="Also on the pages of Apps.")

    class Meta:
        ordering = ("-start_date", "-id")
        indexes = (models.Index("end_date", name="banner_end"),)
        constraints = (
            models.CheckConstraint(
                condition=Q(end_date=None) | Q(end_date__gt=F("start_date")), name="banner_ends_after_it_starts"
            ),
        )

    def __str__(self) -> str:
        return self.message

    @property
    def active(self) -> bool:
        moment = now()
        return self.start_date <= moment and (self.end_date is None or moment < self.end_date)

    @property
    def state(self) -> str:
        """shown, scheduled or ended."""
        if self.active:
            return "shown"
        return "scheduled" if self.start_date > now() else "ended"

    @property
    def can_be_dismissed(self) -> bool:
        return self.dismissible and self.type != BannerType.ERROR


class Dismissal(models.Model):
    """A person does not want to see a banner any more."""

    banner = models.ForeignKey(Banner, on_delete=models.CASCADE, related_name="dismissals")
    user_id = ShortIdField(db_index=True)
    at = models.DateTimeField(default=now)

    class Meta:
        constraints = (models.UniqueConstraint("banner", "user_id", name="dismissal_once"),)

    def __str__(self) -> str:
        return f"{self.user_id} dismissed {self.banner_id}"


class News(TimestampedRow):
    """An entry of the sidebar, written by the platform team. Used in public only."""

    id: "ShortIdField[str, str]" = short_id_key()
    title = models.CharField(max_length=150)
    body = models.TextField(help_text="Markdown.")
    link = models.CharField(max_length=500, blank=True, help_text="Where to read more: https://… or a path like /ui/…")
    published = models.DateTimeField(default=now, help_text="Not shown before.")

    class Meta:
        ordering = ("-published", "-id")
        indexes = (models.Index("published", name="news_published"),)
        verbose_name_plural = "news"

    def __str__(self) -> str:
        return self.title


class NewsReader(models.Model):
    """Until when a person has read the news. Used in public only."""

    user_id = ShortIdField(primary_key=True)
    read_until = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.user_id} until {self.read_until:%F %T}"
