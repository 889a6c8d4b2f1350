"""Tickets: signed values that say which App, at which event, about which execution, for whom.

A *dispatch* lets its holder act once in the way it names; because it is made for one person (or for nobody), it is
also what keeps another site from acting in that person's name. A *follow* names the execution that a page is about:
who has it may look at what the App shows of it, and nothing else.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Final

from django.core import signing

from apps.common.current_tenant import require_tenant
from apps.common.errors import IllegalState, NotFound
from apps.common.ids import is_id
from apps.workflows.plugin_api.app_block import AppEvent

DISPATCH_SALT: Final = "userapps.dispatch"
FOLLOW_SALT: Final = "userapps.follow"
DISPATCH_SECONDS: Final = 24 * 3600
"""How long a form that was opened can be sent."""


class TicketExpired(IllegalState):
    """The form was open for too long."""


@dataclass(frozen=True, slots=True)
class Dispatch:
    """What a form may do. ``nonce`` makes it count once; ``user_id`` is empty for a visitor."""

    app_key: str
    event: AppEvent
    execution_id: str
    user_id: str
    nonce: str


def sign_dispatch(app_key: str, event: AppEvent, execution_id: str, user_id: str) -> str:
    """A new dispatch for a form that is shown now."""
    held = [require_tenant(), app_key, event.value, execution_id, user_id, secrets.token_hex(11)]
    return signing.dumps(held, salt=DISPATCH_SALT, compress=False)


def read_dispatch(text: str, *, app_key: str, user_id: str) -> Dispatch:
    """The dispatch that was sent. NotFound when it is forged, of another App, tenant or person; TicketExpired."""
    try:
        held = signing.loads(text, salt=DISPATCH_SALT, max_age=DISPATCH_SECONDS)
    except signing.SignatureExpired as error:
        raise TicketExpired("This form was open for more than a day; open the App again.") from error
    except signing.BadSignature as error:
        raise NotFound("This form cannot be sent; open the App again.") from error
    tenant, own_key, event, execution_id, own_user, nonce = held
    if (tenant, own_key, own_user) != (require_tenant(), app_key, user_id):
        raise NotFound("This form was made for somebody else, or you signed in or out since; open the App again.")
    return Dispatch(own_key, AppEvent(event), execution_id, own_user, nonce)


def sign_follow(app_key: str, execution_id: str) -> str:
    """What an address carries to come back to an execution in an App."""
    return signing.Signer(salt=_follow_salt(app_key)).sign(execution_id)


def read_follow(text: str, app_key: str) -> str:
    """The execution's id. NotFound when the value was not made for this App."""
    try:
        execution_id = signing.Signer(salt=_follow_salt(app_key)).unsign(text)
    except signing.BadSignature as error:
        raise NotFound("This link does not belong to this App; open the App again.") from error
    if not is_id(execution_id):
        raise NotFound("This link does not belong to this App; open the App again.")
    return execution_id


def _follow_salt(app_key: str) -> str:
    return f"{FOLLOW_SALT}.{require_tenant()}.{app_key}"
