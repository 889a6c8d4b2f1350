"""YAML as a person types it into a page: read safely into what JSON holds, and written back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

import yaml

from apps.common.errors import IllegalArgument

MAX_BYTES: Final = 200_000
MAX_ALIASES: Final = 50
MAX_DEPTH: Final = 40


def read_yaml(text: str) -> Any:
    """None for an empty text; dates become texts. IllegalArgument with the line of a mistake."""
    if len(text.encode()) > MAX_BYTES:
        raise IllegalArgument(f"The YAML has more than {MAX_BYTES} bytes.")
    try:
        aliases = depth = deepest = 0
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            aliases += isinstance(event, yaml.AliasEvent)
            depth += isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent)
            depth -= isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent)
            deepest = max(deepest, depth)
        if aliases > MAX_ALIASES or deepest > MAX_DEPTH:
            raise IllegalArgument(f"The YAML has more than {MAX_ALIASES} aliases, or is nested {MAX_DEPTH} deep.")
        return _plain(yaml.load(text, Loader=yaml.CSafeLoader))
    except yaml.MarkedYAMLError as error:
        line = "" if error.problem_mark is None else f"line {error.problem_mark.line + 1}: "
        raise IllegalArgument(f"This is no YAML: {line}{error.problem or 'it cannot be read'}.") from error
    except (yaml.YAMLError, ValueError) as error:
        raise IllegalArgument(f"This is no YAML: {error}"[:500]) from error


def write_yaml(value: Any) -> str:
    """Empty for what is empty."""
    return "" if not value else yaml.safe_dump(value, sort_keys=False, allow_unicode=True)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [_plain(item) for item in value]
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes):
        raise IllegalArgument("The YAML holds bytes, which JSON has no place for.")
    return value
