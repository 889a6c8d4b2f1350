"""`a.b`, `a['b']`, `a[0]`: what an attribute of a value is. No Python attribute is ever read by a name from a text."""

from collections.abc import Mapping, Set

from apps.workflows.expressions import methods
from apps.workflows.expressions.errors import Failure, Missing
from apps.workflows.expressions.operators import is_hashable
from apps.workflows.expressions.text import plain_text
from apps.workflows.expressions.values import is_number


def get_attribute(value: object, key: object, position: int) -> object:
    """The attribute, entry or item; raises Missing where there is none."""
    if isinstance(value, Mapping):
        return get_entry(value, key, position)
    if value is None:
        raise Missing(shown(key), position)
    if isinstance(value, list | tuple):
        return get_item(value, key, position)
    if isinstance(key, str):
        return methods.get_property(value, key, position)
    raise Missing(shown(key), position)


def get_entry(value: Mapping[object, object], key: object, position: int) -> object:
    """The entry of a map. A number is no key of a map whose keys are texts."""
    if is_hashable(key):
        try:
            return value[key]
        except KeyError:
            pass
    if is_number(key) and any(isinstance(known, str) for known in value):
        raise Failure("Invalid type for key when accessing map with entries of type String")
    raise Missing(shown(key), position, value)


def get_item(value: list[object] | tuple[object, ...], key: object, position: int) -> object:
    """The item at an index, which may be written as text; else a property like `size`."""
    index = key
    if isinstance(key, str):
        if not (key.isascii() and key.isdigit() and len(key) < 12):
            return methods.get_property(value, key, position)
        index = int(key)
    if not isinstance(index, int) or isinstance(index, bool):
        raise Missing(shown(key), position)
    if not 0 <= index < len(value):
        raise Missing(shown(key), position)
    return value[index]


def shown(key: object) -> str:
    """How a key is called in the error."""
    return plain_text(list(key) if isinstance(key, Set) else key)
