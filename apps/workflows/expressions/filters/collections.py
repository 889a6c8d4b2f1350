"""Filters on lists and maps."""

from collections.abc import Mapping, Set
from datetime import date

from apps.workflows.expressions.class_names import class_name
from apps.workflows.expressions.date_methods import key as date_key
from apps.workflows.expressions.errors import Failure
from apps.workflows.expressions.filters.strings import whole
from apps.workflows.expressions.operation import Operation, filters
from apps.workflows.expressions.operators import checked_items, is_items
from apps.workflows.expressions.temporal import Instant, LocalDateTime, ZonedDateTime
from apps.workflows.expressions.text import join_texts, plain_text
from apps.workflows.expressions.values import Character, is_number

DATES = (Instant, LocalDateTime, ZonedDateTime, date)


def items_of(value: object, message: str) -> list[object]:
    """The items of a list or set; Failure for other values."""
    if not is_items(value):
        raise Failure(message)
    return list(value)


def first(value: object) -> object:
    """The first item of a list, or letter of a text.

    Example: {{ [1, 2, 3] | first }} → 1
    """
    return end_of(value, 0, "first")


def last(value: object) -> object:
    """The last item of a list, or letter of a text.

    Example: {{ 'abc' | last }} → c
    """
    return end_of(value, -1, "last")


def end_of(value: object, index: int, name: str) -> object:
    """The item at one end."""
    if isinstance(value, str):
        if not value:
            raise Failure(f"The '{name}' filter expects a text that is not empty.")
        return Character(value[index])
    items = items_of(value, f"The '{name}' filter expects that the input is either a collection, an array or a string.")
    if not items:
        raise Failure(f"The '{name}' filter expects a list that is not empty.")
    return items[index]


def join(value: object, separator: object = "") -> object:
    """The items as one text, with a separator between them.

    Example: {{ [1, 2, 3] | join('-') }} → 1-2-3
    """
    items = items_of(value, "The 'join' filter expects that the input is either a collection or an array.")
    return join_texts(map(plain_text, items), "" if separator is None else plain_text(separator))


def length(value: object) -> object:
    """The number of items, entries or letters; 0 for other values.

    Example: {{ 'abc' | length }} → 3
    """
    if isinstance(value, str | Mapping | list | tuple | Set):
        return len(value)
    return 0


def merge(value: object, items: object) -> object:
    """The items of two lists, or the entries of two maps, together.

    Example: {{ [1, 2] | merge([3]) }} → [1,2,3]
    """
    if value is None and items is None:
        raise Failure("The two arguments to be merged are null")
    if value is None or items is None:
        return items if value is None else value
    if isinstance(value, Mapping):
        if isinstance(items, Mapping):
            return {**value, **items}
        if is_items(items):
            return {**value, **{item: item for item in items_of(items, "")}}
    elif is_items(value):
        if isinstance(items, Mapping):
            return [*items_of(value, ""), *({"key": key, "value": item} for key, item in items.items())]
        if is_items(items):
            return checked_items([*items_of(value, ""), *items_of(items, "")])
    raise Failure("The 'merge' filter expects two lists or two maps.")


def reverse(value: object) -> object:
    """The items in opposite order.

    Example: {{ [1, 2, 3] | reverse }} → [3,2,1]
    """
    return items_of(value, "The 'reverse' filter expects that the input is a list.")[::-1]


def sort(value: object) -> object:
    """The items in ascending order; they must be of one kind.

    Example: {{ [3, 1, 2] | sort }} → [1,2,3]
    """
    return sorted_items(value, "sort")


def rsort(value: object) -> object:
    """The items in descending order; they must be of one kind.

    Example: {{ [3, 1, 2] | rsort }} → [3,2,1]
    """
    return sorted_items(value, "rsort")[::-1]


def sorted_items(value: object, name: str) -> list[object]:
    """The items in order; Failure where they can not be compared with each other."""
    items = items_of(value, f"The '{name}' filter expects that the input is a list.")
    if all(is_number(item) or isinstance(item, str | bool) for item in items):
        if len({"text" if isinstance(item, str) else is_number(item) for item in items}) <= 1:
            return sorted(items)  # type: ignore[type-var]
    elif len({type(item) for item in items}) == 1 and isinstance(items[0], DATES):
        return sorted(items, key=date_key)
    raise Failure(f"The '{name}' filter expects items that can be compared with each other.")


def slice_(value: object, from_index: object = None, to_index: object = None) -> object:
    """Part of a list or text: from an index to before another.

    Example: {{ 'abcdef' | slice(1, 3) }} → bc
    """
    if isinstance(value, Mapping) or not (isinstance(value, str) or is_items(value)):
        raise Failure("The 'slice' filter expects that the input is a text, a list or an array.")
    items: str | list[object] = value if isinstance(value, str) else items_of(value, "")
    start = 0 if from_index is None else whole(from_index, "slice", "fromIndex")
    end = len(items) if to_index is None else whole(to_index, "slice", "toIndex")
    if start < 0:
        raise Failure("fromIndex must be greater than 0")
    if end > len(items):
        raise Failure(f"toIndex must be smaller than input size: {len(items)}")
    if start >= end:
        raise Failure("toIndex must be greater than fromIndex")
    return items[start:end]


def chunk(value: object, size: object = None) -> object:
    """The list cut into lists of a size; the last may be shorter.

    Example: {{ [1, 2, 3] | chunk(2) }} → [[1,2],[3]]
    """
    if size is None:
        raise Failure("The argument 'size' is required.")
    actual = class_name(value)
    items = items_of(value, f"'chunk' filter can only be applied to List. Actual type was: {actual}")
    step = whole(size, "chunk", "size")
    if step <= 0:
        raise Failure("The 'chunk' filter expects a size greater than 0.")
    return [items[start : start + step] for start in range(0, len(items), step)]


def flatten(value: object) -> object:
    """The items of lists within a list, one level deep.

    Example: {{ [[1], [2, [3]], 4] | flatten }} → [1,2,[3],4]
    """
    items = items_of(value, "The 'flatten' filter can only be applied to lists.")
    result: list[object] = []
    for item in items:
        if is_items(item):
            result += items_of(item, "")
        else:
            result.append(item)
    return result


def keys(value: object) -> object:
    """The keys of a map, or the indexes of a list.

    Example: {{ {'a': 1, 'b': 2} | keys }} → ["a","b"]
    """
    if isinstance(value, Mapping):
        return list(value)
    actual = class_name(value)
    return list(
        range(len(items_of(value, f"'keys' filter can only be applied to List, Map, Array. Actual type was: {actual}")))
    )


def values(value: object) -> object:
    """The values of a map.

    Example: {{ {'a': 1, 'b': 2} | values }} → [1,2]
    """
    if isinstance(value, Mapping):
        return list(value.values())
    raise Failure(f"'values' filter can only be applied to Map. Actual type was: {class_name(value)}")


def class_name_(value: object) -> object:
    """The type of a value, by the name of its Java class.

    Example: {{ 'a' | className }} → java.lang.String
    """
    return class_name(value)


FILTERS: dict[str, Operation] = {
    **filters(
        {
            "first": first,
            "last": last,
            "join": join,
            "reverse": reverse,
            "sort": sort,
            "rsort": rsort,
            "slice": slice_,
            "chunk": chunk,
            "flatten": flatten,
            "keys": keys,
            "values": values,
            "className": class_name_,
        }
    ),
    **filters({"length": length, "merge": merge}, sees_null=True),
}
