"""Encrypt and decrypt with the open schema's data key (AES-256-GCM); make, rotate and re-wrap those keys.

The schema that is open when a text is encrypted owns it: only there it can be decrypted, in any other it is an error.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.db import connection, transaction

from apps.common.ids import new_id
from apps.encryption.models import DataKey

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
VERSION: Final = "v1"

_unwrapped: dict[tuple[str, str], AESGCM] = {}
"""(schema, key id) → cipher, for the life of the process. A key never changes under its id, so nothing goes stale."""


class EncryptionError(Exception):
    """Base of what can go wrong here; the text says what to do and never shows a key or a clear text."""


class MasterKeyMissing(EncryptionError):
    """No master key is configured."""

    def __init__(self) -> None:
        super().__init__("Encryption is not configured: set KESTRA_EE_MASTER_KEY to 32 random bytes in base64.")


class MasterKeyMalformed(EncryptionError):
    """The setting is not 32 bytes in base64."""

    def __init__(self) -> None:
        super().__init__("KESTRA_EE_MASTER_KEY must be 32 bytes in base64 (several: separated by commas).")


class MasterKeyWrong(EncryptionError):
    """The data was encrypted under another master key."""

    def __init__(self, schema: str, needed: str) -> None:
        super().__init__(
            f"The data keys in schema '{schema}' are wrapped by the master key with fingerprint {needed}, which "
            "KESTRA_EE_MASTER_KEY does not hold: add that key after the present one, separated by a comma."
        )


class CipherTextInvalid(EncryptionError):
    """The text was not encrypted here: it is damaged, or belongs to another tenant."""


@dataclass(frozen=True, slots=True)
class MasterKey:
    """The key that wraps data keys. It is never in the database; its fingerprint is."""

    secret: bytes

    @classmethod
    def from_base64(cls, text: str) -> MasterKey:
        """MasterKeyMalformed when it is not 32 bytes."""
        try:
            secret = base64.b64decode(text.strip(), validate=True)
        except (binascii.Error, ValueError) as error:
            raise MasterKeyMalformed from error
        if len(secret) != KEY_BYTES:
            raise MasterKeyMalformed
        return cls(secret)

    @property
    def fingerprint(self) -> str:
        """Tells master keys apart without telling anything about them."""
        return hashlib.sha256(b"kestra-ee master key" + self.secret).hexdigest()[:16]

    def __repr__(self) -> str:
        return f"MasterKey({self.fingerprint})"


def master_keys() -> list[MasterKey]:
    """Those of KESTRA_EE_MASTER_KEY: the first wraps, the others only unwrap, while keys are being exchanged."""
    texts = [text for text in settings.KESTRA_MASTER_KEY.split(",") if text.strip()]
    if not texts:
        raise MasterKeyMissing
    return [MasterKey.from_base64(text) for text in texts]


def is_configured() -> bool:
    """Whether anything can be encrypted. MasterKeyMalformed when the setting is wrong."""
    try:
        return bool(master_keys())
    except MasterKeyMissing:
        return False


def encrypt(clear: str | bytes) -> str:
    """The cipher text, which names its key: ``v1.<key id>.<base64>``. One query, for the key that is active now."""
    key = _active_key()
    nonce = os.urandom(NONCE_BYTES)
    data = clear.encode() if isinstance(clear, str) else clear
    sealed = nonce + _cipher(key).encrypt(nonce, data, _bound_to(key.pk))
    return f"{VERSION}.{key.pk}.{base64.urlsafe_b64encode(sealed).decode().rstrip('=')}"


def decrypt(cipher_text: str) -> str:
    """The clear text. CipherTextInvalid for a text of another tenant or one that was changed; MasterKeyWrong."""
    return decrypt_bytes(cipher_text).decode()


def decrypt_bytes(cipher_text: str) -> bytes:
    """As `decrypt`, for what was given as bytes. No query once this process knows the key."""
    version, _, rest = cipher_text.partition(".")
    key_id, _, body = rest.partition(".")
    try:
        sealed = base64.b64decode(body + "=" * (-len(body) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise CipherTextInvalid("This is no encrypted text.") from error
    if version != VERSION or len(sealed) <= NONCE_BYTES:
        raise CipherTextInvalid("This is no encrypted text.")
    cipher = _unwrapped.get((_schema(), key_id)) or _cipher(_key_named(key_id))
    try:
        return cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], _bound_to(key_id))
    except InvalidTag as error:
        raise CipherTextInvalid("The encrypted text was changed, or was written in another tenant.") from error


def rotate_data_key() -> str:
    """Make a new active key in the open schema; answers its id. The former keys stay, to decrypt what they wrote."""
    with transaction.atomic():
        # The lock lets two rotations follow one another: a schema must never have two active keys.
        list(DataKey.objects.select_for_update().filter(active=True))
        DataKey.objects.filter(active=True).update(active=False)
        key = _new_key()
        key.save(force_insert=True)
    return key.pk


def rewrap_master_key(*, old: Sequence[MasterKey], new: MasterKey) -> int:
    """Wrap the open schema's data keys by `new`, those that one of `old` wrapped; answers how many. No data is touched.

    Keys under `new` already are left, so a run that was broken off can be repeated. MasterKeyWrong, and nothing done,
    when a key is wrapped by none of them.
    """
    with transaction.atomic():
        keys = list(DataKey.objects.select_for_update().exclude(master_key_id=new.fingerprint))
        for key in keys:
            secret = _unwrap(key, old)
            key.wrapped, key.master_key_id = _wrap(key.pk, secret, new), new.fingerprint
            key.save(update_fields=["wrapped", "master_key_id"])
    return len(keys)


def _schema() -> str:
    schema: str = connection.schema_name  # type: ignore[attr-defined]
    return schema


def _bound_to(key_id: str) -> bytes:
    """What the cipher text is tied to: taken elsewhere it does not open, even with its key."""
    return f"{_schema()}:{key_id}".encode()


def _active_key() -> DataKey:
    key = DataKey.objects.filter(active=True).first()
    if key is None:
        # Two processes may come here at once: one row wins, the unique constraint drops the other.
        DataKey.objects.bulk_create([_new_key()], ignore_conflicts=True)
        key = DataKey.objects.get(active=True)
    return key


def _key_named(key_id: str) -> DataKey:
    key = DataKey.objects.filter(pk=key_id).first()
    if key is None:
        raise CipherTextInvalid(
            f"There is no data key '{key_id[:22]}' in schema '{_schema()}': the text was encrypted in another tenant, "
            "or the key's row was lost."
        )
    return key


def _new_key() -> DataKey:
    key_id, master = new_id(), master_keys()[0]
    return DataKey(
        id=key_id, wrapped=_wrap(key_id, os.urandom(KEY_BYTES), master), master_key_id=master.fingerprint, active=True
    )


def _wrap(key_id: str, secret: bytes, master: MasterKey) -> bytes:
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(master.secret).encrypt(nonce, secret, _bound_to(key_id))


def _unwrap(key: DataKey, masters: Sequence[MasterKey]) -> bytes:
    master = next((master for master in masters if master.fingerprint == key.master_key_id), None)
    if master is None:
        raise MasterKeyWrong(_schema(), key.master_key_id)
    wrapped = bytes(key.wrapped)
    try:
        return AESGCM(master.secret).decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], _bound_to(key.pk))
    except InvalidTag as error:
        raise CipherTextInvalid(f"The data key '{key.pk}' in schema '{_schema()}' was changed.") from error


def _cipher(key: DataKey) -> AESGCM:
    place = (_schema(), key.pk)
    cipher = _unwrapped.get(place)
    if cipher is None:
        cipher = AESGCM(_unwrap(key, master_keys()))
        _unwrapped[place] = cipher
    return cipher
