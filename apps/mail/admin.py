"""What was mailed and what became of it, for the platform team."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from apps.common.admin import ReadOnlyAdmin
from apps.mail.models import OutgoingMail
from apps.mail.services import retry_mail


@admin.register(OutgoingMail)
class OutgoingMailAdmin(ReadOnlyAdmin[OutgoingMail]):
    """The content is never shown: links in it open doors."""

    list_display = ("to", "subject", "state", "attempts", "last_error", "created", "next_try", "sent")
    list_filter = ("state", "template", "tenant")
    search_fields = ("to", "subject", "about")
    exclude = ("content",)
    actions = ("try_now",)

    @admin.action(description="Try waiting mail now")
    def try_now(self, request: HttpRequest, queryset: Any) -> None:
        tried = sum(retry_mail(row) for row in queryset)
        self.message_user(request, f"{tried} of the chosen mails are tried now; the others wait no longer.")
