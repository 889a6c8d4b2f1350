"""Java's regular expressions on the `regex` library, bounded in time."""

from dataclasses import dataclass
from functools import lru_cache

import regex

from apps.workflows.expressions.errors import Failure
from apps.workflows.expressions.limits import MAX_TEXT, REGEX_SECONDS

POSIX = {
    "Lower": "a-z",
    "Upper": "A-Z",
    "ASCII": r"\x00-\x7F",
    "Alpha": "a-zA-Z",
    "Digit": "0-9",
    "Alnum": "a-zA-Z0-9",
    "Punct": r"""!-/:-@\[-`{-~""",
    "Graph": "!-~",
    "Print": " -~",
    "Blank": r" \t",
    "Cntrl": r"\x00-\x1F\x7F",
    "XDigit": "0-9a-fA-F",
    "Space": r" \t\n\x0B\f\r",
}
PROPERTIES = {
    "javaLowerCase": r"\p{Lowercase}",
    "javaUpperCase": r"\p{Uppercase}",
    "javaWhitespace": r"\s",
    "javaMirrored": r"\p{Bidi_Mirrored}",
    "IsAlphabetic": r"\p{Alphabetic}",
    "IsLetter": r"\p{L}",
    "IsDigit": r"\p{Nd}",
    "IsPunctuation": r"\p{P}",
    "IsUppercase": r"\p{Uppercase}",
    "IsLowercase": r"\p{Lowercase}",
    "IsWhite_Space": r"\p{White_Space}",
}
HORIZONTAL = r" \t\xA0\u1680\u180E\u2000-\u200A\u202F\u205F\u3000"
VERTICAL = r"\n\x0B\f\r\x85\u2028\u2029"
# Without a flag Java means ASCII by these; the library's own flag for that would narrow \p{L} too.
CLASSES = {"w": "a-zA-Z0-9_", "d": "0-9", "s": r" \t\n\x0B\f\r"}
OUTSIDE = {
    **{letter: f"[{members}]" for letter, members in CLASSES.items()},
    **{letter.upper(): f"[^{members}]" for letter, members in CLASSES.items()},
    "R": rf"(?:\r\n|[{VERTICAL}])",
    "h": f"[{HORIZONTAL}]",
    "H": f"[^{HORIZONTAL}]",
    "v": f"[{VERTICAL}]",
    "V": f"[^{VERTICAL}]",
    "z": r"\Z",
    "Z": r"(?=\n?\Z)",
    "e": r"\x1B",
}
INSIDE = {
    **CLASSES,
    **{letter.upper(): f"[^{members}]" for letter, members in CLASSES.items()},
    "h": HORIZONTAL,
    "v": VERTICAL,
    "e": r"\x1B",
}


def translate(pattern: str) -> str:
    """Java's spelling → that of the library."""
    result: list[str] = []
    index, depth = 0, 0
    while index < len(pattern):
        character = pattern[index]
        if character != "\\":
            if character == "[":
                depth += 1
            elif character == "]" and depth:
                depth -= 1
            result.append(character)
            index += 1
            continue
        follower = pattern[index + 1 : index + 2]
        index += 2
        if follower == "Q":
            end = pattern.find("\\E", index)
            end = len(pattern) if end < 0 else end
            result.append(regex.escape(pattern[index:end], special_only=True))
            index = end + 2
        elif follower in ("p", "P"):
            piece, index = translate_property(pattern, index, follower == "P", depth > 0)
            result.append(piece)
        elif follower == "k" and pattern.startswith("<", index):
            end = pattern.find(">", index)
            result.append(f"(?P={pattern[index + 1 : end]})")
            index = end + 1 if end >= 0 else len(pattern)
        else:
            known = INSIDE if depth else OUTSIDE
            result.append(known.get(follower, "\\" + follower))
    return "".join(result)


def translate_property(pattern: str, index: int, negated: bool, inside: bool) -> tuple[str, int]:
    r"""`\p{Alpha}` and the like, and where the pattern goes on."""
    if not pattern.startswith("{", index):
        letter = "P" if negated else "p"
        return f"\\{letter}{{{pattern[index : index + 1]}}}", index + 1
    end = pattern.find("}", index)
    name = pattern[index + 1 : end]
    after = end + 1 if end >= 0 else len(pattern)
    if name in POSIX:
        return (f"[^{POSIX[name]}]" if negated else POSIX[name] if inside else f"[{POSIX[name]}]"), after
    if name in PROPERTIES:
        body = PROPERTIES[name]
        return (f"[^{body}]" if negated else body), after
    letter = "P" if negated else "p"
    return f"\\{letter}{{{name}}}", after


@dataclass(frozen=True)
class JavaPattern:
    """A compiled pattern; every use may take REGEX_SECONDS at most."""

    compiled: "regex.Pattern[str]"

    @staticmethod
    @lru_cache(maxsize=256)
    def of(pattern: str) -> "JavaPattern":
        """Compile Java's spelling; raises Failure."""
        try:
            # Sets may be nested and intersected, which is the library's version 1.
            return JavaPattern(regex.compile(translate(pattern), regex.VERSION1))
        except (regex.error, ValueError, OverflowError, RecursionError) as error:
            raise Failure(f"The regular expression is not valid: {error}") from None

    @staticmethod
    def literal(text: str) -> "JavaPattern":
        """A pattern that means just this text."""
        return JavaPattern(regex.compile(regex.escape(text)))

    def matches(self, text: str) -> bool:
        """Whether the whole text fits."""
        try:
            return self.compiled.fullmatch(text, timeout=REGEX_SECONDS) is not None
        except TimeoutError:
            raise timed_out() from None

    def split(self, text: str, limit: int = 0) -> list[object]:
        """The parts between matches; without a limit, empty ones at the end are dropped."""
        parts: list[object] = []
        start = 0
        try:
            for found in self.compiled.finditer(text, timeout=REGEX_SECONDS):
                if limit > 0 and len(parts) == limit - 1:
                    break
                # An empty match at the very start makes no part.
                if found.end() == 0:
                    continue
                parts.append(text[start : found.start()])
                start = found.end()
        except TimeoutError:
            raise timed_out() from None
        if not parts and start == 0:
            return [text]
        # Nothing is left after an empty match at the very end.
        parts.append(text[start:])
        if limit == 0:
            while parts and parts[-1] == "":
                parts.pop()
        return parts

    def replace(self, text: str, replacement: str, plain: bool = False) -> str:
        """All matches replaced; `$1` and `${name}` stand for groups unless `plain`."""
        pieces = [replacement] if plain else parse_replacement(replacement, self.compiled)
        result: list[str] = []
        start = size = 0
        try:
            for found in self.compiled.finditer(text, timeout=REGEX_SECONDS):
                new = "".join(piece if isinstance(piece, str) else found.group(piece[0]) or "" for piece in pieces)
                result += (text[start : found.start()], new)
                size += len(new)
                if size > MAX_TEXT:
                    raise Failure(f"A text has more than {MAX_TEXT} characters.")
                start = found.end()
        except TimeoutError:
            raise timed_out() from None
        result.append(text[start:])
        return "".join(result)


def timed_out() -> Failure:
    """The error for a pattern that takes too long."""
    return Failure(f"The regular expression took longer than {REGEX_SECONDS:g} seconds.")


def parse_replacement(text: str, compiled: "regex.Pattern[str]") -> list[str | tuple[int | str]]:
    """Texts, and groups as tuples of one."""
    pieces: list[str | tuple[int | str]] = []
    index = 0
    while index < len(text):
        character = text[index]
        index += 1
        if character == "\\":
            if index >= len(text):
                raise Failure("character to be escaped is missing")
            pieces.append(text[index])
            index += 1
        elif character != "$":
            pieces.append(character)
        elif text.startswith("{", index):
            end = text.find("}", index)
            name = text[index + 1 : end]
            if end < 0 or name not in compiled.groupindex:
                raise Failure(f"No group with name {{{name}}}")
            pieces.append((name,))
            index = end + 1
        else:
            number, index = parse_group_number(text, index, compiled.groups)
            pieces.append((number,))
    return pieces


def parse_group_number(text: str, index: int, groups: int) -> tuple[int, int]:
    """As many digits as still name a group, and where the text goes on."""
    digit = text[index : index + 1]
    if not ("0" <= digit <= "9"):
        raise Failure("Illegal group reference")
    number = int(digit)
    if number > groups:
        raise Failure(f"No group {number}")
    index += 1
    while "0" <= text[index : index + 1] <= "9" and number * 10 + int(text[index]) <= groups:
        number = number * 10 + int(text[index])
        index += 1
    return number, index
