"""Typed text ↔ criteria: `state:FAILED,WARNING -labels[team]:data duration>10m "two words" last 2 days`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from apps.common.search_filters.criteria import Criterion, Op
from apps.common.search_filters.keys import TEXT_KEY, Gathering, Keys, Kind, Parsed, Problem
from apps.common.search_filters.moments import STARTING_WORDS, read_phrase

LONGEST: Final = 4000
_HEAD: Final = re.compile(
    r"(?P<minus>-)?(?P<name>[A-Za-z][A-Za-z0-9]*)(?:\[(?P<sub>[^\]]+)\])?(?P<sign>!~:|!:|!=|~:|\^:|\$:|=~|>=|<=|:|=|>|<)"
)
_SIGNS: Final = {
    ":": None, "=": Op.IN, "!=": Op.NOT_IN, "!:": None, "~:": Op.CONTAINS, "!~:": Op.NOT_CONTAINS,
    "^:": Op.STARTS_WITH, "$:": Op.ENDS_WITH, "=~": Op.REGEX, ">": Op.GREATER_THAN,
    ">=": Op.GREATER_THAN_OR_EQUAL_TO, "<": Op.LESS_THAN, "<=": Op.LESS_THAN_OR_EQUAL_TO,
}  # fmt: skip
_WRITTEN: Final = {
    Op.IN: "=", Op.NOT_IN: "!=", Op.CONTAINS: "~:", Op.NOT_CONTAINS: "!~:", Op.STARTS_WITH: "^:", Op.ENDS_WITH: "$:",
    Op.GREATER_THAN: ">", Op.GREATER_THAN_OR_EQUAL_TO: ">=", Op.LESS_THAN: "<", Op.LESS_THAN_OR_EQUAL_TO: "<=",
}  # fmt: skip
_NEGATED: Final = {Op.IN: Op.NOT_IN, Op.PREFIX: Op.NOT_PREFIX, Op.CONTAINS: Op.NOT_CONTAINS}
_NAMED: Final = re.compile(r"([A-Za-z][A-Za-z0-9]*)(?:\[([^\]]+)\])?")
_PLAIN: Final = re.compile(r"[^\s,\"\\]+")
_PLAIN_WORD: Final = re.compile(r"[^\s\"\\:=<>~^$!\[\]-][^\s\"\\:=<>~^$!\[\]]*")


def parse_text(text: str, keys: Keys) -> Parsed:
    """The criteria of typed text. Never fails: what cannot be understood is a problem with its place, the rest holds.

    Times may be said in words (`last 2 days`), as long as the list has a key for time.
    """
    if len(text) > LONGEST:
        return Parsed(problems=(Problem("", f"A filter has at most {LONGEST} characters.", 0),))
    found = Gathering(keys)
    place = 0
    while place < len(text):
        if text[place].isspace():
            place += 1
        elif head := _HEAD.match(text, place):
            place = _criterion(text, head, found)
        else:
            place = _words(text, place, found)
    return found.finish()


def format_text(criteria: Iterable[Criterion], keys: Keys) -> str:
    """The one text of criteria: parse_text gives them back."""
    return " ".join(format_criterion(one, keys) for one in criteria)


def format_criterion(criterion: Criterion, keys: Keys) -> str:
    """The text of one."""
    if criterion.field == TEXT_KEY:
        minus = "-" if criterion.op is Op.NOT_CONTAINS else ""
        return " ".join(minus + quote_word(word, always=bool(minus)) for word in criterion.values)
    name = criterion.field + (f"[{criterion.key}]" if criterion.key is not None else "")
    key = keys.by_name[criterion.field]
    match criterion.op:
        case Op.IS_SET:
            return f"has:{name}"
        case Op.IS_NOT_SET:
            return f"no:{name}"
        case Op.REGEX:
            pattern = re.sub(r"/", r"\\/", criterion.values[-1])
            return f"{name}=~/{pattern}/"
    values = ",".join(quote_value(value) for value in criterion.values)
    if criterion.op is key.usual:
        return f"{name}:{values}"
    if _NEGATED.get(key.usual) is criterion.op:
        return f"-{name}:{values}"
    return f"{name}{_WRITTEN[criterion.op]}{values}"


def split_words(text: str) -> tuple[str, ...]:
    """Words and quoted phrases of a search for text, without keys."""
    words, place = [], 0
    while place < len(text):
        if text[place].isspace():
            place += 1
            continue
        word, place = _word(text, place)
        words.append(word)
    return tuple(word for word in words if word)


def join_words(words: Iterable[str]) -> str:
    """The other way round."""
    return " ".join(word if re.fullmatch(r"[^\s\"\\]+", word) else _quoted(word) for word in words)


def quote_word(word: str, *, always: bool = False) -> str:
    """A word to search for, in quotes when it would mean something else without."""
    plain = _PLAIN_WORD.fullmatch(word) is not None and word.lower() not in STARTING_WORDS
    return word if plain and not always else _quoted(word)


def _criterion(text: str, head: re.Match[str], found: Gathering) -> int:
    name, sub, sign = head["name"], head["sub"], head["sign"]
    if name in {"has", "no"} and sign == ":" and sub is None and not head["minus"]:
        return _presence(text, head, found)
    key = found.keys.find(name)
    if sign == "=~":
        values, end = _pattern(text, head.end())
    else:
        values, end = _values(text, head.end())
    whole = text[head.start() : end]
    if key is None:
        found.problems.append(found.keys.unknown(name, whole, head.start()))
        return end
    written = _SIGNS[sign]
    op: Op | None = key.usual if written is None else written
    if head["minus"] or sign == "!:":
        op = _NEGATED.get(op or Op.IN)
    if op is None:
        said = f"'{name}{sign}' cannot be negated. Possible: -{name}:…, {name}!=…, {name}!~:…"
        found.problems.append(Problem(whole, said, head.start()))
        return end
    if key.kind in {Kind.NUMBER, Kind.DURATION} and op is Op.IN and len(values) == 1 and ".." in values[0]:
        least, _, most = values[0].partition("..")
        for one, value in ((Op.GREATER_THAN_OR_EQUAL_TO, least), (Op.LESS_THAN_OR_EQUAL_TO, most)):
            if value:
                found.add(key, one, [value], sub=sub, text=whole, position=head.start())
        return end
    found.add(key, op, values, sub=sub, text=whole, position=head.start())
    return end


def _presence(text: str, head: re.Match[str], found: Gathering) -> int:
    match = _NAMED.match(text, head.end())
    name, sub = (match[1], match[2]) if match else ("", None)
    end = max(_bare_end(text, head.end()), match.end() if match else 0)
    whole = text[head.start() : end]
    key = found.keys.find(name)
    if key is None:
        found.problems.append(found.keys.unknown(name, whole, head.start()))
    else:
        op = Op.IS_SET if head["name"] == "has" else Op.IS_NOT_SET
        found.add(key, op, (), sub=sub, text=whole, position=head.start())
    return end


def _words(text: str, place: int, found: Gathering) -> int:
    """Free words from here on: one of them, or a time said in words."""
    if "time" in found.keys.by_name:
        bare = [(match.group(), match.end()) for match in _bare_words(text, place)]
        said = read_phrase([word for word, _ in bare])
        if said is not None:
            token, length = said
            found.add(found.keys.by_name["time"], Op.IN, [token], sub=None, text=token, position=place)
            return bare[length - 1][1]
    without = text[place] == "-" and place + 1 < len(text) and not text[place + 1].isspace()
    word, end = _word(text, place + without)
    found.add_words([word], without=without)
    return end


def _bare_words(text: str, place: int) -> list[re.Match[str]]:
    """Up to five words from here that are neither quoted nor criteria."""
    words: list[re.Match[str]] = []
    for match in re.compile(r"\S+").finditer(text, place):
        # Dates and clocks hold colons, but begin with a digit: they are no criteria.
        if len(words) == 5 or '"' in match.group() or _HEAD.match(match.group()):
            break
        words.append(match)
    return words


def _word(text: str, place: int) -> tuple[str, int]:
    if text[place] == '"':
        return _in_quotes(text, place)
    end = _bare_end(text, place)
    return text[place:end], end


def _bare_end(text: str, place: int) -> int:
    """Where the signs that are no blanks end."""
    while place < len(text) and not text[place].isspace():
        place += 1
    return place


def _values(text: str, place: int) -> tuple[list[str], int]:
    values: list[str] = []
    while True:
        value, place = _value(text, place)
        if value is not None:
            values.append(value)
        if place >= len(text) or text[place] != ",":
            return values, place
        place += 1


def _value(text: str, place: int) -> tuple[str | None, int]:
    if place < len(text) and text[place] == '"':
        return _in_quotes(text, place)
    value, begun = "", place
    while place < len(text) and text[place] != "," and not text[place].isspace():
        if text[place] == "\\" and place + 1 < len(text):
            place += 1
        value += text[place]
        place += 1
    return (value if place > begun else None), place


def _in_quotes(text: str, place: int) -> tuple[str, int]:
    """A quoted text; one without its end goes to the end of all."""
    value, place = "", place + 1
    while place < len(text) and text[place] != '"':
        if text[place] == "\\" and place + 1 < len(text):
            place += 1
        value += text[place]
        place += 1
    return value, min(place + 1, len(text))


def _pattern(text: str, place: int) -> tuple[list[str], int]:
    if place >= len(text) or text[place] != "/":
        return _values(text, place)
    pattern, place = "", place + 1
    while place < len(text) and text[place] != "/":
        if text[place] == "\\" and text[place + 1 : place + 2] == "/":
            place += 1
        elif text[place] == "\\" and place + 1 < len(text):
            pattern += text[place]
            place += 1
        pattern += text[place]
        place += 1
    return [pattern], min(place + 1, len(text))


def quote_value(value: str) -> str:
    """A value as it is typed: in quotes when it holds a blank, a comma, a quote or a backslash."""
    return value if _PLAIN.fullmatch(value) else _quoted(value)


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
