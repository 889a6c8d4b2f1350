"""Where a mail provider tells what became of a mail: opened by a signature in its address and, where the provider
signs, by the provider's own."""

from functools import cache
from importlib import import_module
from typing import Any, Final

import structlog
from anymail.exceptions import AnymailWebhookValidationFailure
from anymail.signals import EventType
from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from apps.common.access import public
from apps.common.errors import BadRequest, NotFound
from apps.mail.services import note_bounce

log = structlog.get_logger(__name__)

_signer: Final = Signer(salt="apps.mail.events", sep=".")
RETURNED: Final = frozenset({EventType.BOUNCED, EventType.REJECTED, EventType.FAILED, EventType.COMPLAINED})


@public
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def take_events(request: HttpRequest, signed: str) -> HttpResponse:
    """Bounces, rejections and complaints are kept with their mail; what else is told is passed over.

    404 for an address that was not signed here or names another provider than the one that is configured; 400 for a
    call that the provider did not sign.
    """
    try:
        provider = _signer.unsign(signed)
    except BadSignature as error:
        raise NotFound("There is nothing here.") from error
    if provider != settings.KESTRA_MAIL_PROVIDER:
        raise NotFound(f"Mail goes through '{settings.KESTRA_MAIL_PROVIDER or 'smtp'}', not '{provider}'.")
    if request.method != "POST":
        return HttpResponse()  # some providers look whether the address answers
    view = _tracking_view(provider)()
    view.setup(request)
    try:
        view.run_validators(request)
        events = view.parse_events(request)
    except (AnymailWebhookValidationFailure, ValueError, KeyError) as error:
        raise BadRequest(f"These are no events of {provider}.") from error
    for event in events:
        if event.event_type in RETURNED and event.message_id and event.recipient:
            reason = f"{event.event_type}: {event.description or event.reject_reason or event.mta_response or ''}"
            known = note_bounce(str(event.message_id), event.recipient, reason.rstrip(": "))
            log.info("mail came back", known=known, type=event.event_type)
    return HttpResponse()


def events_path(provider: str) -> str:
    """The path to give to the provider."""
    return f"/mail/events/{_signer.sign(provider)}"


@cache
def _tracking_view(provider: str) -> type[Any]:
    """Anymail's reader of a provider's calls. Raises NotFound for one that tells nothing."""
    wanted = f"{provider.replace('_', '')}trackingwebhookview"
    try:
        module = import_module(f"anymail.webhooks.{provider}")
    except ModuleNotFoundError as error:
        raise NotFound(f"{provider} tells nothing about mail.") from error
    for name in vars(module):
        if name.lower() == wanted:
            # the address itself is the secret that Anymail would ask for by Basic
            return type(name, (getattr(module, name),), {"warn_if_no_basic_auth": False})
    raise NotFound(f"{provider} tells nothing about mail.")
