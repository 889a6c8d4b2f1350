"""Colours as #rrggbb: how light they are, how well one is read on another (WCAG 2.2)."""

from __future__ import annotations

TEXT_CONTRAST = 4.5
"""What text needs, to 1."""


def luminance(colour: str) -> float:
    """Relative luminance of #rrggbb, 0 to 1 (WCAG 2.2)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours, 1 to 21."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def ink_on(colour: str) -> str:
    """White or nearly black, whichever is read more easily on the colour."""
    return "#ffffff" if contrast(colour, "#ffffff") >= contrast(colour, "#101014") else "#101014"
