"""How blocks stand on a page: buttons that act go in one row, at the foot of the form they belong to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from apps.userapps.services.pages import ShownBlock

FORMS: Final = frozenset({"create_form", "resume_form"})
ACTIONS: Final = frozenset({"create_button", "resume_button", "cancel_button"})
BUTTONS: Final = ACTIONS | {"button"}


@dataclass(frozen=True)
class Section:
    """One block, or (None) nothing but buttons; ``buttons`` stand in a row below, the one that ends things last."""

    block: ShownBlock | None
    buttons: list[ShownBlock] = field(default_factory=list)


def sections_of(blocks: Sequence[ShownBlock]) -> list[Section]:
    """The blocks of a page in their order; neighbouring buttons together."""
    found: list[Section] = []
    for block in blocks:
        is_button = block.kind in BUTTONS and not block.problem
        last = found[-1] if found else None
        takes = last is not None and (last.block is None or (last.block.kind in FORMS and not last.block.problem))
        if is_button and takes and last is not None:
            last.buttons.append(block)
        elif is_button:
            found.append(Section(None, [block]))
        else:
            found.append(Section(block))
    for section in found:
        section.buttons.sort(key=lambda one: one.kind == "cancel_button")
    return found
