"""`{% raw %}…{% endraw %}`: taken out before the text is read, put back when all is rendered."""

import re
from collections.abc import Callable
from typing import Final

OPENING: Final = re.compile(r"\{%-*\s*raw\s*-*%\}")
CLOSING: Final = re.compile(r"\{%-*\s*endraw\s*-*%\}")
# Letters for private use stand for a block. A stand-in is as long as its block, so that columns in errors stay right.
MARK: Final = "\ue000"
# Used around several renderings of the same text, whose own stand-ins come and go in between.
OUTER_MARK: Final = "\ue002"
FILLING: Final = "\ue001"
STAND_INS: Final = {mark: re.compile(f"{mark}([0-9]+){FILLING}*{mark}") for mark in (MARK, OUTER_MARK)}


def replace_blocks(text: str, replace: Callable[[str, int], str]) -> str:
    """Each block replaced, given its content and whole length. A block lies within one line.

    Looks at every character once: the text may come from anyone, and one regular expression for whole blocks would take
    a time that grows with the square of its length.
    """
    result: list[str] = []
    done = 0
    closing = CLOSING.search(text)
    newline = -1
    for opening in OPENING.finditer(text):
        if opening.start() < done:
            continue
        while closing is not None and closing.start() < opening.end():
            closing = CLOSING.search(text, closing.end())
        if closing is None:
            break
        if newline < opening.end():
            newline = text.find("\n", opening.end())
            newline = len(text) if newline < 0 else newline
        if closing.start() > newline:
            continue
        content = text[opening.end() : closing.start()]
        result += (text[done : opening.start()], replace(content, closing.end() - opening.start()))
        done = closing.end()
    result.append(text[done:])
    return "".join(result)


def take_out(text: str, mark: str = MARK) -> tuple[str, tuple[str, ...]]:
    """The text with stand-ins, and the blocks they stand for."""
    if "raw" not in text:
        return text, ()
    blocks: list[str] = []

    def replace(content: str, length: int) -> str:
        blocks.append(content)
        return f"{mark}{len(blocks) - 1}".ljust(length - 1, FILLING) + mark

    return replace_blocks(text, replace), tuple(blocks)


def put_back(text: str, blocks: tuple[str, ...], mark: str = MARK) -> str:
    """The blocks' contents in place of the stand-ins; markers that came out of a variable vanish too."""
    if "{%" in text and "raw" in text:
        text = replace_blocks(text, lambda content, length: content)
    if not blocks or mark not in text:
        return text

    def replace(found: re.Match[str]) -> str:
        index = int(found.group(1))
        return blocks[index] if index < len(blocks) else found.group()

    return STAND_INS[mark].sub(replace, text)
