"""`{% raw %}…{% endraw %}`: taken out before the text is read, put back when all is rendered."""

import re
from typing import Final

BLOCK: Final = re.compile(r"\{%-*\s*raw\s*-*%\}(.*?)\{%-*\s*endraw\s*-*%\}")
# Letters for private use stand for a block. A stand-in is as long as its block, so that columns in errors stay right.
MARK: Final = "\ue000"
# Used around several renderings of the same text, whose own stand-ins come and go in between.
OUTER_MARK: Final = "\ue002"
FILLING: Final = "\ue001"
STAND_INS: Final = {mark: re.compile(f"{mark}([0-9]+){FILLING}*{mark}") for mark in (MARK, OUTER_MARK)}


def take_out(text: str, mark: str = MARK) -> tuple[str, tuple[str, ...]]:
    """The text with stand-ins, and the blocks they stand for."""
    if "raw" not in text:
        return text, ()
    blocks: list[str] = []

    def replace(found: re.Match[str]) -> str:
        blocks.append(found.group(1))
        return f"{mark}{len(blocks) - 1}".ljust(len(found.group()) - 1, FILLING) + mark

    return BLOCK.sub(replace, text), tuple(blocks)


def put_back(text: str, blocks: tuple[str, ...], mark: str = MARK) -> str:
    """The blocks' contents in place of the stand-ins; markers that came out of a variable vanish too."""
    if "{%" in text and "raw" in text:
        text = BLOCK.sub(r"\1", text)
    if not blocks or mark not in text:
        return text

    def replace(found: re.Match[str]) -> str:
        index = int(found.group(1))
        return blocks[index] if index < len(blocks) else found.group()

    return STAND_INS[mark].sub(replace, text)
