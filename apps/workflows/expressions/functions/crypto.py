"""Functions that encrypt and decrypt texts, compatibly with what the original stores."""

import base64
import binascii
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from apps.workflows.expressions.errors import Failure
from apps.workflows.expressions.operation import Operation, functions
from apps.workflows.expressions.text import plain_text

IV_BYTES = 12


def cipher(key: object) -> AESGCM:
    """AES-GCM with a key given in base64; errors never repeat the key."""
    try:
        return AESGCM(base64.b64decode(plain_text(key), validate=True))
    except (binascii.Error, ValueError):
        raise Failure("The encryption key must be 128, 192 or 256 bits in base64.") from None


def encrypt(key: object = None, plaintext: object = None) -> object:
    """A text encrypted with a key (base64, AES-GCM); the result is base64 and different each time.

    Example: {{ encrypt('I6EGNzRESu3X3pKZidrqCGOHQFUFC0yK', 'hello') }} ≈ [A-Za-z0-9+/]+=*
    """
    if key is None or plaintext is None:
        raise Failure("The 'encrypt' function expects two arguments 'key' and 'plaintext'.")
    iv = os.urandom(IV_BYTES)
    return base64.b64encode(iv + cipher(key).encrypt(iv, plain_text(plaintext).encode(), None)).decode()


def decrypt(key: object = None, encrypted: object = None) -> object:
    """The text that `encrypt` was given.

    Example: {% set k = 'I6EGNzRESu3X3pKZidrqCGOHQFUFC0yK' %}{{ decrypt(k, encrypt(k, 'hello')) }} → hello
    """
    if key is None or encrypted is None:
        raise Failure("The 'decrypt' function expects two arguments 'key' and 'encrypted'.")
    try:
        data = base64.b64decode(plain_text(encrypted), validate=True)
        return cipher(key).decrypt(data[:IV_BYTES], data[IV_BYTES:], None).decode()
    except (binascii.Error, InvalidTag, ValueError):
        raise Failure("The text can not be decrypted with this key.") from None


FUNCTIONS: dict[str, Operation] = functions({"encrypt": encrypt, "decrypt": decrypt})
