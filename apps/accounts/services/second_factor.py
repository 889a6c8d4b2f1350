"""The second factor: codes of an authenticator app, recovery codes, passkeys. The cryptography is allauth's."""

from collections.abc import Mapping
from typing import Any, Final

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, validate_totp_code
from allauth.mfa.utils import decrypt
from allauth.mfa.webauthn.internal import auth as webauthn
from django.core.exceptions import ValidationError
from django.db import transaction

from apps.accounts.models import User
from apps.accounts.services.sign_in import CODES, check_not_locked, count_failure, forget_failures
from apps.audit.services import record
from apps.common.clock import now
from apps.common.errors import IllegalState, Invalid, NotFound

Type = Authenticator.Type
MOST_PASSKEYS: Final = 10
LAST_CODE: Final = "last_code"
"""In the row of an authenticator app: the code that was used last, which does not open a second time."""
_REAL: Final = (Type.TOTP, Type.WEBAUTHN)
"""Factors on their own; recovery codes only stand in for one."""


def add_authenticator_app(*, user: User, secret: str, code: str) -> list[str]:
    """Enrols the app that shows `code` for `secret`; the recovery codes to write down, empty if there were some.

    Raises Invalid for a wrong code, IllegalState when there is an app already.
    """
    if not validate_totp_code(secret, _plain(code)):
        raise Invalid("This code is wrong: check the clock of your device and type the code it shows now.")
    with transaction.atomic():
        _lock(user)
        if Authenticator.objects.filter(user=user, type=Type.TOTP).exists():
            raise IllegalState("There is an authenticator app already: remove it before you add another.")
        made = TOTP.activate(user, secret).instance
        made.data[LAST_CODE] = _plain(code)
        made.save(update_fields=["data"])
        codes = _first_recovery_codes(user)
        _follow(user, "authenticator app added")
    return codes


def add_passkey(*, user: User, name: str, credential: Mapping[str, Any]) -> list[str]:
    """Enrols what the browser answered to `begin_passkey`; the recovery codes to write down, empty if there were some.

    Raises Invalid when the answer is not to our question, IllegalState for too many.
    """
    with transaction.atomic():
        _lock(user)
        if Authenticator.objects.filter(user=user, type=Type.WEBAUTHN).count() >= MOST_PASSKEYS:
            raise IllegalState(f"There are {MOST_PASSKEYS} passkeys already: remove one before you add another.")
        try:
            webauthn.complete_registration(dict(credential))
        except (ValidationError, ValueError, TypeError, KeyError) as error:
            raise Invalid("The passkey was not accepted: begin again.") from error
        webauthn.WebAuthn.add(user, name.strip()[:60] or "Passkey", dict(credential))
        codes = _first_recovery_codes(user)
        _follow(user, "passkey added")
    return codes


def check_code(*, user: User, code: str) -> bool:
    """Whether this is what the person's app shows now, or one of the recovery codes; either opens once.

    Raises TooManyRequests while the person's codes are locked out.
    """
    guard = CODES + user.username
    check_not_locked(guard)
    text = _plain(code)
    right = bool(text) and (_check_app(user, text) or _check_recovery_code(user, text))
    if right:
        forget_failures(guard)
    else:
        count_failure(guard)
    return right


def check_passkey(*, user: User, answer: Mapping[str, Any]) -> bool:
    """Whether the browser's answer to `ask_for_passkey` was signed by one of the person's passkeys.

    Raises TooManyRequests while the person's codes are locked out.
    """
    guard = CODES + user.username
    check_not_locked(guard)
    try:
        webauthn.complete_authentication(user, dict(answer)).record_usage()
    except (ValidationError, ValueError, TypeError, KeyError):
        count_failure(guard)
        return False
    forget_failures(guard)
    return True


def renew_recovery_codes(*, acting_user: User) -> list[str]:
    """Ten new ones in place of the old. Raises IllegalState without a second factor."""
    with transaction.atomic():
        _lock(acting_user)
        if not acting_user.second_factor:
            raise IllegalState("Add an authenticator app or a passkey first.")
        Authenticator.objects.filter(user=acting_user, type=Type.RECOVERY_CODES).delete()
        codes = _first_recovery_codes(acting_user)
        _follow(acting_user, "recovery codes renewed")
    return codes


def remove_factor(*, acting_user: User, factor_id: str) -> None:
    """One of one's own; with the last one the recovery codes go too. Raises NotFound."""
    with transaction.atomic():
        _lock(acting_user)
        mine = Authenticator.objects.filter(user=acting_user, type__in=_REAL)
        if not factor_id.isdecimal() or not mine.filter(pk=int(factor_id)).delete()[0]:
            raise NotFound("There is no such factor.")
        _follow(acting_user, "second factor removed")


def reset_second_factor(*, acting_user: User, user: User) -> None:
    """For a person who has lost the device: all factors go, the password alone signs in, and may enrol anew."""
    with transaction.atomic():
        _lock(user)
        Authenticator.objects.filter(user=user).delete()
        _follow(user, "second factor reset", acting_user=acting_user)


def _first_recovery_codes(user: User) -> list[str]:
    there = Authenticator.objects.filter(user=user, type=Type.RECOVERY_CODES).exists()
    return [] if there else list(RecoveryCodes.activate(user).generate_codes())


def _check_app(user: User, code: str) -> bool:
    with transaction.atomic():
        row = Authenticator.objects.select_for_update().filter(user=user, type=Type.TOTP).first()
        if row is None or row.data.get(LAST_CODE) == code or not _shows(row, code):
            return False
        row.data[LAST_CODE] = code
        row.last_used_at = now()
        row.save(update_fields=["data", "last_used_at"])
    return True


def _shows(row: Authenticator, code: str) -> bool:
    return bool(validate_totp_code(decrypt(row.data["secret"]), code))


def _check_recovery_code(user: User, code: str) -> bool:
    row = Authenticator.objects.filter(user=user, type=Type.RECOVERY_CODES).first()
    if row is None or not RecoveryCodes(row).validate_code(code):
        return False
    row.refresh_from_db()
    row.record_usage()
    return True


def _plain(code: str) -> str:
    return "".join(code.split()).replace("-", "")


def _lock(user: User) -> None:
    User.objects.select_for_update().get(pk=user.pk)


def _follow(user: User, what: str, *, acting_user: User | None = None) -> None:
    """The flag on the user says what the rows say; recovery codes alone are nothing."""
    user.second_factor = Authenticator.objects.filter(user=user, type__in=_REAL).exists()
    if not user.second_factor:
        Authenticator.objects.filter(user=user).delete()
    user.save(update_fields=["second_factor"])
    detail = {"id": user.id, "username": user.username, "change": what}
    record(acting_user=acting_user or user, action="UPDATE", resource="User", detail=detail)
