"""Banners and news as the API shows and takes them."""

from datetime import UTC, datetime
from typing import Self

from pydantic import Field

from apps.announcements.models import Banner, News
from apps.announcements.services.banners import BannerFields
from apps.common.json_values import Shape


class BannerBody(Shape):
    """A banner; without a zone its dates are UTC. `tenantId` is the short form of one tenant."""

    message: str
    type: str = "INFO"
    start_date: datetime | None = None
    end_date: datetime | None = None
    tenant_id: str | None = None
    tenants: list[str] | None = None
    group_ids: list[str] | None = None
    dismissible: bool | None = None
    on_sign_in: bool | None = None
    in_apps: bool | None = None

    def fields(self, *, of_tenant: bool) -> BannerFields:
        """`of_tenant`: a tenant's own, which names no tenants."""
        named = [self.tenant_id] if self.tenant_id else []
        return BannerFields(
            message=self.message,
            type=self.type.upper(),
            start_date=in_utc(self.start_date),
            end_date=in_utc(self.end_date),
            tenants=() if of_tenant else self.tenants or named,
            group_ids=self.group_ids or (),
            dismissible=self.dismissible is not False,
            on_sign_in=bool(self.on_sign_in),
            in_apps=bool(self.in_apps),
        )


class BannerShape(Shape):
    id: str
    message: str
    type: str
    start_date: datetime
    end_date: datetime | None = None
    tenant_id: str | None = None
    tenants: list[str] = Field(default_factory=list)
    group_ids: list[str] = Field(default_factory=list)
    dismissible: bool
    on_sign_in: bool
    in_apps: bool
    active: bool

    @classmethod
    def of(cls, banner: Banner, tenant_id: str | None = None) -> Self:
        """`tenant_id`: the tenant whose own it is."""
        only = banner.tenants[0] if len(banner.tenants) == 1 else None
        return cls(
            id=banner.id,
            message=banner.message,
            type=banner.type,
            start_date=banner.start_date,
            end_date=banner.end_date,
            tenant_id=tenant_id or only,
            tenants=banner.tenants,
            group_ids=banner.group_ids,
            dismissible=banner.can_be_dismissed,
            on_sign_in=banner.on_sign_in,
            in_apps=banner.in_apps,
            active=banner.active,
        )


class NewsShape(Shape):
    id: str
    title: str
    body: str
    link: str | None = None
    published: datetime
    unread: bool

    @classmethod
    def of(cls, news: News, read_until: datetime) -> Self:
        return cls(
            id=news.id,
            title=news.title,
            body=news.body,
            link=news.link or None,
            published=news.published,
            unread=news.published > read_until,
        )


class NewsList(Shape):
    unread: int
    results: list[NewsShape]


def in_utc(moment: datetime | None) -> datetime | None:
    return moment if moment is None or moment.tzinfo is not None else moment.replace(tzinfo=UTC)
