"""Bookmark and SavedSearch: a person's, in the tenant; some are shared with a group or everybody in it."""

from django.db import models

from apps.common.models import ShortIdField, TenantRow, TimestampedRow, short_id_key


class Shared(models.TextChoices):
    """With whom."""

    NOBODY = "NOBODY"
    GROUP = "GROUP"
    TENANT = "TENANT"


class OwnedRow(TimestampedRow, TenantRow):
    """What somebody keeps and may share."""

    id: "ShortIdField[str, str]" = short_id_key()
    user_id = ShortIdField()
    name = models.CharField(max_length=150)
    shared = models.CharField(max_length=10, choices=Shared.choices, default=Shared.NOBODY)
    group_id = ShortIdField(null=True)
    position = models.PositiveIntegerField(default=0)

    class Meta(TenantRow.Meta):
        abstract = True

    def __str__(self) -> str:
        return self.name


class Bookmark(OwnedRow):
    """A page with its filters; `url` is normalised (catalog.py). Folders are names."""

    url = models.CharField(max_length=2000)
    folder = models.CharField(max_length=60, blank=True)

    class Meta(OwnedRow.Meta):
        ordering = ("position", "id")
        constraints = (models.UniqueConstraint("user_id", "url", name="bookmark_once"),)
        indexes = (models.Index("shared", name="bookmark_shared"),)


class SavedSearch(OwnedRow):
    """The filters of a list page under a name."""

    page = models.CharField(max_length=63)
    query = models.CharField(max_length=2000)
    is_default = models.BooleanField(default=False)
    """The person's list opens with it; the page asks for it with `default_search`."""

    class Meta(OwnedRow.Meta):
        ordering = ("position", "id")
        constraints = (
            models.UniqueConstraint("user_id", "page", "name", name="saved_search_name"),
            models.UniqueConstraint(
                "user_id", "page", condition=models.Q(is_default=True), name="saved_search_one_default"
            ),
        )
        indexes = (models.Index("page", "shared", name="saved_search_shared"),)
