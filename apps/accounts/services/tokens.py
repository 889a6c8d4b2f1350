"""Writes of API tokens."""

import re
import secrets
from datetime import timedelta
from typing import Final

from django.db import IntegrityError, transaction
from django.db.models import Q

from apps.accounts.models import ApiToken, User
from apps.accounts.selectors import token_digest
from apps.audit.services import record
from apps.common.clock import now
from apps.common.errors import IllegalState, Invalid, NotFound

NAME_PATTERN: Final = re.compile(r"(?=.{1,63}\Z)[a-z0-9]+(?:-[a-z0-9]+)*")
TOKEN_PREFIX: Final = "kee_"  # noqa: S105  not a secret: it tells people what the text is
LAST_USED_STEP: Final = timedelta(minutes=1)


def create_api_token(
    *,
    acting_user: User | None,
    user: User,
    name: str,
    description: str = "",
    max_age: timedelta | None = None,
    extended: bool = False,
) -> tuple[ApiToken, str]:
    """The row and the full token, which is shown once and kept nowhere. `max_age` None never expires.

    Raises Invalid for a bad name or age, IllegalState for a name that is taken.
    """
    if not NAME_PATTERN.fullmatch(name):
        raise Invalid("A token's name has lower-case letters, digits and single hyphens, 63 characters at most.")
    if max_age is not None and max_age <= timedelta(0):
        raise Invalid("A token's maximum age must be more than nothing.")
    full_token = TOKEN_PREFIX + secrets.token_urlsafe(32)
    token = ApiToken(
        user=user,
        name=name,
        description=description,
        prefix=full_token[: len(TOKEN_PREFIX) + 4],
        digest=token_digest(full_token),
        max_age=max_age,
        extended=extended and max_age is not None,
        expires=None if max_age is None else now() + max_age,
    )
    with transaction.atomic():
        try:
            with transaction.atomic():
                token.save(force_insert=True)
        except IntegrityError as error:
            raise IllegalState(f"{user.username} has a token '{name}' already.") from error
        record(
            acting_user=acting_user,
            action="CREATE",
            resource="ApiToken",
            detail={"id": token.id, "name": name, "userId": user.id},
        )
    return token, full_token


def delete_api_token(*, acting_user: User, user: User, token_id: str) -> None:
    """From now on the token is refused. Raises NotFound."""
    with transaction.atomic():
        deleted, _ = ApiToken.objects.filter(pk=token_id, user=user).delete()
        if not deleted:
            raise NotFound(f"{user.username} has no token '{token_id}'.")
        record(
            acting_user=acting_user, action="DELETE", resource="ApiToken", detail={"id": token_id, "userId": user.id}
        )


def note_token_use(token: ApiToken) -> None:
    """Last use, to the minute, and a new expiry if the token extends itself; at most one write a minute."""
    moment = now()
    stale = Q(last_used=None) | Q(last_used__lt=moment - LAST_USED_STEP)
    if token.last_used is None or token.last_used < moment - LAST_USED_STEP:
        changes = {"last_used": moment}
        if token.extended and token.max_age is not None:
            changes["expires"] = moment + token.max_age
        ApiToken.objects.filter(stale, pk=token.pk).update(**changes)
