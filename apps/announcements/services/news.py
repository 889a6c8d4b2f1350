"""Writes of news."""

from apps.accounts.models import User
from apps.announcements.models import News, NewsReader
from apps.audit.services import record
from apps.common.clock import now
from apps.tenants.scope import public_scope


def mark_news_read(*, acting_user: User) -> None:
    """Everything that is published now."""
    with public_scope():
        NewsReader.objects.update_or_create(pk=acting_user.pk, defaults={"read_until": now()})


def note_news(*, acting_user: User, action: str, news: News) -> None:
    """The audit entry of what the admin wrote; in its transaction."""
    record(acting_user=acting_user, action=action, resource="News", detail={"id": news.id, "title": news.title})
