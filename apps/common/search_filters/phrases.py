"""What people write as a sentence, as criteria to accept: `failed last 2 days` → `state:FAILED time:-2d`."""

from __future__ import annotations

import re
from typing import Final

from apps.common.search_filters.criteria import Op
from apps.common.search_filters.keys import Gathering, Keys, Parsed
from apps.common.search_filters.moments import read_phrase
from apps.common.search_filters.text import format_text

_NAMESPACE: Final = re.compile(r"[a-z0-9][\w.-]*\.[\w.-]*[a-z0-9]", re.IGNORECASE)
_SPAN: Final = r"(\d+(?:\.\d+)?) ?(ms|s|sec|seconds?|m|min|minutes?|h|hours?|d|days?)"
_LONGER: Final = re.compile(rf"(longer|shorter|more|less) than {_SPAN}")
_STATES: Final = {"failures": "FAILED", "errors": "FAILED", "succeeded": "SUCCESS", "successful": "SUCCESS"}


def suggest_phrase(text: str, keys: Keys) -> str:
    """The text of what a sentence says, when all its words are understood; empty otherwise."""
    words = text.split()
    found, place, sentence = Gathering(keys), 0, 0
    while place < len(words):
        used, plain = _take(words[place:], found)
        if not used:
            return ""
        place, sentence = place + used, sentence + plain
    parsed: Parsed = found.finish()
    return format_text(parsed.criteria, keys) if sentence and not parsed.problems else ""


def _take(words: list[str], found: Gathering) -> tuple[int, bool]:
    """(How many words were understood, whether they would be a search for text otherwise)."""
    keys, first = found.keys.by_name, words[0].lower()
    if "time" in keys and (said := read_phrase(words)) is not None:
        found.add(keys["time"], Op.IN, [said[0]], sub=None, text=said[0])
        return said[1], True
    if "duration" in keys:
        for length in (4, 3):
            if match := _LONGER.fullmatch(" ".join(words[:length]).lower()):
                op = Op.GREATER_THAN if match[1] in {"longer", "more"} else Op.LESS_THAN
                found.add(keys["duration"], op, [match[2] + match[3]], sub=None, text=match.group())
                return length, True
    state = _STATES.get(first, first.upper())
    if "state" in keys and state in keys["state"].values:
        found.add(keys["state"], Op.IN, [state], sub=None, text=first)
        return (2 if [word.lower() for word in words[1:2]] == ["now"] else 1), True
    if "level" in keys and first.removesuffix("s").upper() in keys["level"].values:
        found.add(keys["level"], keys["level"].usual, [first.removesuffix("s")], sub=None, text=first)
        return 1, True
    return _pairs(words, first, found)


def _pairs(words: list[str], first: str, found: Gathering) -> tuple[int, bool]:
    keys = found.keys.by_name
    if first == "in" and "namespace" in keys and len(words) > 1 and _NAMESPACE.fullmatch(words[1]):
        found.add(keys["namespace"], keys["namespace"].usual, [words[1]], sub=None, text=words[1])
        return 2, True
    if first == "of" and "flow" in keys and len(words) > 1:
        found.add(keys["flow"], Op.IN, [words[1]], sub=None, text=words[1])
        return 2, True
    if first == "by" and "by" in keys and len(words) > 1:
        found.add(keys["by"], Op.IN, [words[1]], sub=None, text=words[1])
        return 2, True
    if first in {"with", "without"} and "labels" in keys and len(words) > 2 and words[1].lower() == "label":
        op = Op.IS_SET if first == "with" else Op.IS_NOT_SET
        found.add(keys["labels"], op, (), sub=words[2].replace("]", ""), text=words[2])
        return 3, True
    return 0, False
