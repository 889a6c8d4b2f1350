"""The Java class a value would have: `className`, and the wording of some errors."""

from collections.abc import Mapping, Set
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum

from apps.workflows.expressions import temporal
from apps.workflows.expressions.values import BigInteger, Character, Float32

# Values are looked up in this order: a subclass before its base.
NAMES: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (bool, "java.lang.Boolean"),
    (Enum, "java.lang.Enum"),
    (Character, "java.lang.Character"),
    (str, "java.lang.String"),
    (BigInteger, "java.math.BigInteger"),
    (Float32, "java.lang.Float"),
    (float, "java.lang.Double"),
    (Decimal, "java.math.BigDecimal"),
    (Mapping, "java.util.LinkedHashMap"),
    (Set, "java.util.LinkedHashSet"),
    ((list, tuple), "java.util.ArrayList"),
    (temporal.Instant, "java.time.Instant"),
    (temporal.LocalDateTime, "java.time.LocalDateTime"),
    (temporal.ZonedDateTime, "java.time.ZonedDateTime"),
    ((temporal.Duration, timedelta), "java.time.Duration"),
    (datetime, "java.time.ZonedDateTime"),
    (date, "java.time.LocalDate"),
    (time, "java.time.LocalTime"),
    ((bytes, bytearray), "byte[]"),
)


def class_name(value: object) -> str:
    """`java.lang.String` and the like."""
    if isinstance(value, int) and not isinstance(value, bool | BigInteger | Enum):
        if -(2**31) <= value < 2**31:
            return "java.lang.Integer"
        return "java.lang.Long" if -(2**63) <= value < 2**63 else "java.math.BigInteger"
    return next((name for known, name in NAMES if isinstance(value, known)), "java.lang.Object")
