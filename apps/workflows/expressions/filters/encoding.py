"""Filters between texts and their encoded forms: base64, hashes, URLs."""

import base64
import binascii
import hashlib
import re
from urllib.parse import quote_plus, unquote_plus

from apps.workflows.expressions.errors import Failure
from apps.workflows.expressions.filters.strings import text_of
from apps.workflows.expressions.operation import Operation, filters

BROKEN_ESCAPE = re.compile("%(?![0-9a-fA-F]{2})")


def base64encode(value: object) -> object:
    """The text in base64.

    Example: {{ 'hello' | base64encode }} → aGVsbG8=
    """
    return base64.b64encode(text_of(value, "base64encode").encode()).decode()


def base64decode(value: object) -> object:
    """The text that base64 stands for.

    Example: {{ 'aGVsbG8=' | base64decode }} → hello
    """
    text = text_of(value, "base64decode")
    try:
        # Padding at the end may be left out.
        return base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), validate=True).decode()
    except (binascii.Error, ValueError):
        message = "Please provide a correctly Base64 encoded string containing an UTF-8 string"
        raise Failure(message) from None


def hashed(value: object, algorithm: str) -> str:
    """The hash in hexadecimal digits."""
    if not isinstance(value, str):
        raise Failure("Need a string to hash")
    return hashlib.new(algorithm, value.encode(), usedforsecurity=False).hexdigest()


def md5(value: object) -> object:
    """The MD5 hash of a text.

    Example: {{ 'hello' | md5 }} → 5d41402abc4b2a76b9719d911017c592
    """
    return hashed(value, "md5")


def sha1(value: object) -> object:
    """The SHA-1 hash of a text.

    Example: {{ 'hello' | sha1 }} → aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d
    """
    return hashed(value, "sha1")


def sha256(value: object) -> object:
    """The SHA-256 hash of a text.

    Example: {{ 'hello' | sha256 | abbreviate(11) }} → 2cf24dba...
    """
    return hashed(value, "sha256")


def sha512(value: object) -> object:
    """The SHA-512 hash of a text.

    Example: {{ 'hello' | sha512 | abbreviate(11) }} → 9b71d224...
    """
    return hashed(value, "sha512")


def urlencode(value: object) -> object:
    """The text as part of a URL's query.

    Example: {{ 'a b&c' | urlencode }} → a+b%26c
    """
    return quote_plus(text_of(value, "urlencode"), safe="*").replace("~", "%7E")


def urldecode(value: object) -> object:
    """The text that part of a URL's query stands for.

    Example: {{ 'a+b%26c' | urldecode }} → a b&c
    """
    text = text_of(value, "urldecode")
    if BROKEN_ESCAPE.search(text):
        raise Failure("URLDecoder: Illegal hex characters in escape (%) pattern")
    return unquote_plus(text)


FILTERS: dict[str, Operation] = filters(
    {
        "base64encode": base64encode,
        "base64decode": base64decode,
        "md5": md5,
        "sha1": sha1,
        "sha256": sha256,
        "sha512": sha512,
        "urlencode": urlencode,
        "urldecode": urldecode,
    }
)
