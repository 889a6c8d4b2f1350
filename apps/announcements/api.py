"""Endpoints of banners: the installation's without a tenant in the path, else the tenant's own. And of news."""

from rest_framework.request import Request

from apps.accounts.selectors import current_user
from apps.announcements.models import Banner
from apps.announcements.schemas import BannerBody, BannerShape, NewsList, NewsShape
from apps.announcements.selectors import count_unread_news, get_banner, list_banners, list_news, read_until, told_to
from apps.announcements.services.banners import delete_banner, dismiss_banner, save_banner
from apps.announcements.services.news import mark_news_read
from apps.common.access import access, member, signed_in, super_admin
from apps.common.api import read_body
from apps.common.current_tenant import current_tenant_id
from apps.tenants.scope import public_scope

MOST = 200

# The installation's


@super_admin
def post_instance_banner(request: Request) -> BannerShape:
    with public_scope():
        return _save(request)


@super_admin
def list_instance_banners(request: Request) -> list[BannerShape]:
    """The latest 200, newest start first."""
    with public_scope():
        return [BannerShape.of(banner) for banner in list_banners()[:MOST]]


@super_admin
def put_instance_banner(request: Request, banner_id: str) -> BannerShape:
    with public_scope():
        return _save(request, get_banner(banner_id))


@super_admin
def remove_instance_banner(request: Request, banner_id: str) -> None:
    with public_scope():
        delete_banner(acting_user=current_user(request), banner=get_banner(banner_id))


# A tenant's own


@access("SETTING", "UPDATE")
def post_banner(request: Request) -> BannerShape:
    return _save(request)


@access("SETTING", "READ")
def search_banners(request: Request) -> list[BannerShape]:
    """The latest 200 of the tenant's own."""
    return [BannerShape.of(banner, current_tenant_id()) for banner in list_banners()[:MOST]]


@access("SETTING", "UPDATE")
def put_banner(request: Request, banner_id: str) -> BannerShape:
    return _save(request, get_banner(banner_id))


@access("SETTING", "UPDATE")
def remove_banner(request: Request, banner_id: str) -> None:
    delete_banner(acting_user=current_user(request), banner=get_banner(banner_id))


# For everybody


@member
def list_my_banners(request: Request) -> list[BannerShape]:
    """What the person is told now, the installation's and the tenant's, without what was dismissed."""
    return [
        BannerShape.of(shown.banner, current_tenant_id() if shown.scope == "tenant" else None)
        for shown in told_to(current_user(request)).banners
    ]


@member
def post_dismissal(request: Request, scope: str, banner_id: str) -> None:
    """`scope` is tenant or instance."""
    if scope == "instance":
        with public_scope():
            dismiss_banner(acting_user=current_user(request), banner=get_banner(banner_id))
    else:
        dismiss_banner(acting_user=current_user(request), banner=get_banner(banner_id))


@signed_in
def show_news(request: Request) -> NewsList:
    """The latest, and how many are unread."""
    user = current_user(request)
    until = read_until(user)
    return NewsList(unread=count_unread_news(user), results=[NewsShape.of(news, until) for news in list_news()])


@signed_in
def post_news_read(request: Request) -> None:
    """All of it."""
    mark_news_read(acting_user=current_user(request))


def _save(request: Request, banner: Banner | None = None) -> BannerShape:
    tenant_id = current_tenant_id()
    fields = read_body(request, BannerBody).fields(of_tenant=tenant_id is not None)
    return BannerShape.of(save_banner(acting_user=current_user(request), fields=fields, banner=banner), tenant_id)
