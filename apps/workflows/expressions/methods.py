"""The methods of texts, lists, maps and dates that texts written for the original may call: a whitelist."""

from collections.abc import Callable, Mapping, Set
from datetime import date, datetime, time, timedelta
from enum import Enum
from typing import Final

from apps.workflows.expressions import date_methods
from apps.workflows.expressions.errors import Failure, Missing, nearest
from apps.workflows.expressions.limits import MAX_ITEMS, MAX_TEXT
from apps.workflows.expressions.operators import is_hashable, same
from apps.workflows.expressions.patterns import JavaPattern
from apps.workflows.expressions.temporal import Duration, Instant, LocalDateTime, ZonedDateTime
from apps.workflows.expressions.text import plain_text
from apps.workflows.expressions.values import Character

Method = Callable[..., object]

# Every object has these; they lead out of the data.
REFUSED: Final = frozenset({"class", "getClass", "wait", "notify", "notifyAll"})


def whole(value: object) -> int:
    """An argument that counts or points."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise Failure("A whole number is expected as argument.")


def cut(value: str, begin: object, end: object = None) -> str:
    """The text from begin to before end; both must lie within."""
    first, last = whole(begin), len(value) if end is None else whole(end)
    if not 0 <= first <= last <= len(value):
        raise Failure(f"begin {first}, end {last}, length {len(value)}")
    return value[first:last]


def letter(value: str, index: object) -> str:
    """The letter at an index."""
    if not 0 <= whole(index) < len(value):
        raise Failure(f"String index out of range: {whole(index)}")
    return Character(value[whole(index)])


def repeat(value: str, times: object) -> str:
    """The text, several times over."""
    if len(value) * max(whole(times), 0) > MAX_TEXT:
        raise Failure(f"A text has more than {MAX_TEXT} characters.")
    return value * whole(times)


def item(value: list[object], index: object) -> object:
    """The item at an index."""
    if not 0 <= whole(index) < len(value):
        raise Failure(f"Index {whole(index)} out of bounds for length {len(value)}")
    return value[whole(index)]


def index_of(value: list[object], wanted: object) -> int:
    """Where an item is first found, or -1."""
    return next((index for index, found in enumerate(value) if same(found, wanted)), -1)


def sublist(value: list[object], begin: object, end: object) -> list[object]:
    """The items from begin to before end."""
    if not 0 <= whole(begin) <= whole(end) <= len(value):
        raise Failure(f"fromIndex {whole(begin)}, toIndex {whole(end)}, size {len(value)}")
    return list(value[whole(begin) : whole(end)])


TEXT: Final[dict[str, Method]] = {
    "length": len,
    "isEmpty": lambda value: not value,
    "isBlank": lambda value: not value.strip(),
    "trim": lambda value: value.strip("".join(map(chr, range(0x21)))),
    "strip": lambda value: value.strip(),
    "toUpperCase": lambda value: value.upper(),
    "toLowerCase": lambda value: value.lower(),
    "substring": cut,
    "charAt": letter,
    "indexOf": lambda value, wanted, start=0: value.find(plain_text(wanted), whole(start)),
    "lastIndexOf": lambda value, wanted: value.rfind(plain_text(wanted)),
    "startsWith": lambda value, prefix: value.startswith(plain_text(prefix)),
    "endsWith": lambda value, suffix: value.endswith(plain_text(suffix)),
    "equalsIgnoreCase": lambda value, other: value.casefold() == plain_text(other).casefold(),
    "compareTo": lambda value, other: (value > plain_text(other)) - (value < plain_text(other)),
    "concat": lambda value, other: value + plain_text(other),
    "replace": lambda value, old, new: JavaPattern.literal(plain_text(old)).replace(value, plain_text(new), plain=True),
    "replaceAll": lambda value, pattern, new: JavaPattern.of(plain_text(pattern)).replace(value, plain_text(new)),
    "matches": lambda value, pattern: JavaPattern.of(plain_text(pattern)).matches(value),
    "split": lambda value, pattern, limit=0: JavaPattern.of(plain_text(pattern)).split(value, whole(limit)),
    "repeat": repeat,
    "toString": lambda value: value,
}
ITEMS: Final[dict[str, Method]] = {
    "size": len,
    "length": len,
    "isEmpty": lambda value: not value,
    "get": item,
    "getFirst": lambda value: item(value, 0),
    "getLast": lambda value: item(value, len(value) - 1),
    "indexOf": index_of,
    "lastIndexOf": lambda value, wanted: (
        len(value) - 1 - found if (found := index_of(list(value)[::-1], wanted)) >= 0 else -1
    ),
    "subList": sublist,
    "toString": plain_text,
}
MAP: Final[dict[str, Method]] = {
    "size": len,
    "isEmpty": lambda value: not value,
    "get": lambda value, key: value.get(key) if is_hashable(key) else None,
    "getOrDefault": lambda value, key, other: value.get(key, other) if is_hashable(key) else other,
    "containsKey": lambda value, key: is_hashable(key) and key in value,
    "containsValue": lambda value, wanted: any(same(found, wanted) for found in value.values()),
    "keySet": lambda value: list(value),
    "values": lambda value: list(value.values()),
    "entrySet": lambda value: [{"key": key, "value": found} for key, found in value.items()],
    "toString": plain_text,
}
ENUM: Final[dict[str, Method]] = {"name": lambda value: value.name, "toString": lambda value: value.name}
OTHER: Final[dict[str, Method]] = {"toString": plain_text}


def methods_of(value: object) -> Mapping[str, Method]:
    """The methods a value has, by name."""
    match value:
        case Enum():
            return ENUM
        case str():
            return TEXT
        case Mapping():
            return MAP
        case list() | tuple() | Set():
            return ITEMS
        case Instant() | LocalDateTime() | ZonedDateTime() | Duration() | datetime() | date() | time() | timedelta():
            return date_methods.methods_of(value)
        case _:
            return OTHER


def find_method(value: object, name: str) -> Method | None:
    """The method, or None; raises Failure for those that are refused."""
    if name in REFUSED:
        raise Failure(f"Access to the method {name} is not allowed.")
    return methods_of(value).get(name)


def get_property(value: object, name: str, position: int) -> object:
    """`value.name` on what is no map: `getName()`, `isName()`, `hasName()` or `name()`."""
    title = name[:1].upper() + name[1:]
    for candidate in (f"get{title}", f"is{title}", f"has{title}", name):
        method = find_method(value, candidate)
        if method is not None:
            return call(method, value, (), candidate)
    raise Missing(name, position, methods_of(value))


def call_method(value: object, name: str, arguments: tuple[object, ...], position: int) -> object:
    """`value.name(arguments)`; raises Missing when the whitelist does not know it."""
    method = None if value is None else find_method(value, name)
    if method is None:
        raise Missing(name, position, () if value is None else methods_of(value))
    return call(method, value, arguments, name)


def call(method: Method, value: object, arguments: tuple[object, ...], name: str) -> object:
    """Run it; a wrong number of arguments is the text's mistake, not ours."""
    try:
        result = method(value, *arguments)
    except TypeError:
        raise Failure(f"The method {name} does not take these arguments.", nearest(name, methods_of(value))) from None
    if isinstance(result, list) and len(result) > MAX_ITEMS:
        raise Failure(f"A list has more than {MAX_ITEMS} items.")
    return result
