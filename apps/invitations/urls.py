"""Routes of invitations."""

from django.urls import URLPattern, path

from apps.common.api import endpoint
from apps.common.pages import page
from apps.invitations import api
from apps.invitations.views import listing, welcome

api_urls: list[URLPattern] = [
    path("invitations", endpoint(POST=api.post_invitation)),
    path("invitations/search", endpoint(GET=api.list_invitations)),
    path("invitations/email/<str:email>", endpoint(GET=api.invitations_of_email)),
    path("invitations/<str:invitation_id>", endpoint(GET=api.show_invitation, DELETE=api.remove_invitation)),
    path("invitations/<str:invitation_id>/resend", endpoint(POST=api.post_resend)),
    path("me/invitations", endpoint(GET=api.my_invitations)),
]
# The same by a super admin who names the tenant after /tenants/.
administered_urls: list[URLPattern] = [
    pattern for pattern in api_urls if str(pattern.pattern).startswith("invitations")
]
# Before those of tenants: `tenants/<id>` would take the first of them.
instance_api_urls: list[URLPattern] = [
    path("tenants/invitations", endpoint(POST=api.post_any_invitation)),
    path("tenants/invitations/search", endpoint(GET=api.list_all_invitations)),
    path(
        "tenants/invitations/<str:invitation_id>",
        endpoint(GET=api.show_any_invitation, DELETE=api.remove_any_invitation),
    ),
    path("invitation/accept/<str:invitation_id>", endpoint(POST=api.accept)),
    path("invitation/create/<str:invitation_id>", endpoint(POST=api.create_person)),
]
root_ui_urls: list[URLPattern] = [
    path("ui/invite/<str:token>", page(GET=welcome.show_invitation, POST=welcome.answer_invitation), name="invite"),
]
ui_urls: list[URLPattern] = [
    path("admin/iam/invitations", page(GET=listing.list_invitations, POST=listing.invite), name="invitations"),
    path("admin/iam/invitations/new", page(GET=listing.new_invitation), name="invitation_new"),
    path("admin/iam/invitations/<str:invitation_id>/resend", page(POST=listing.resend), name="invitation_resend"),
    path("admin/iam/invitations/<str:invitation_id>/revoke", page(POST=listing.revoke), name="invitation_revoke"),
]
