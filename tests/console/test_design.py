"""The design's own promises: contrast of every colour pair, weight of every page, icons that exist."""

import gzip
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CSS, JS, TEMPLATES = ROOT / "static/css", ROOT / "static/js", ROOT / "templates"
TOKENS = (CSS / "tokens.css").read_text()
STATES = ["CREATED", "QUEUED", "RUNNING", "PAUSED", "RESTARTED", "RETRYING", "RETRIED", "SUCCESS", "WARNING", "FAILED",
          "KILLING", "KILLED", "CANCELLED", "SKIPPED"]  # fmt: skip
THEMES = {"light": 0, "dark": 1}


def hex_of(text: str) -> str:
    digits = text.strip().lstrip("#")
    return "".join(digit * 2 for digit in digits) if len(digits) == 3 else digits


def luminance(color: str) -> float:
    parts = [int(color[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def pair(name: str, block: str = TOKENS) -> tuple[str, str]:
    """A token's colours in the light and the dark theme."""
    found = re.search(rf"--{name}: light-dark\((#\w+), (#\w+)\)", block)
    if found is None:
        one = re.search(rf"--{name}: (#\w+)", block)
        assert one is not None, f"there is no token --{name}"
        return hex_of(one[1]), hex_of(one[1])
    return hex_of(found[1]), hex_of(found[2])


def block_of(state: str) -> str:
    found = re.search(rf"\[data-state=\"?{state}\"?\][^{{]*\{{([^}}]*)\}}", TOKENS)
    assert found is not None, f"state {state} has no colours"
    return found[1]


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("state", STATES)
def test_each_state_can_be_read_as_chip_and_seen_as_bar(state: str, theme: str) -> None:
    block, number = block_of(state), THEMES[theme]
    assert contrast(pair("s-fg", block)[number], pair("s-bg", block)[number]) >= 4.5
    assert contrast(pair("s-solid", block)[number], pair("bg")[number]) >= 3


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(
    ("text", "ground", "least"),
    [
        ("text", "bg", 7), ("muted", "bg", 4.5), ("muted", "surface", 4.5), ("muted", "hover", 4.5),
        ("link", "bg", 4.5),
        ("bad", "bg", 4.5), ("on-accent", "accent", 4.5), ("on-accent", "danger", 4.5), ("edge", "bg", 3),
        ("focus", "bg", 3), ("syn-key", "bg", 4.5), ("syn-str", "bg", 4.5), ("syn-num", "bg", 4.5),
        ("syn-expr", "bg", 4.5),
    ],
)  # fmt: skip
def test_text_and_controls_stand_out_from_their_ground(text: str, ground: str, least: float, theme: str) -> None:
    assert contrast(pair(text)[THEMES[theme]], pair(ground)[THEMES[theme]]) >= least


def sheets(template: str) -> list[str]:
    """Names in `{% for name in [...] %}` of a template, which are its style sheets."""
    return re.findall(r'"([a-z]+)"', re.findall(r"for name in (\[[^\]]*\])", (TEMPLATES / template).read_text())[0])


def weight(files: list[Path]) -> float:
    """In KB, compressed together."""
    return len(gzip.compress(b"".join(file.read_bytes() for file in files), 9)) / 1024


def test_pages_keep_their_weight() -> None:
    """ui.md §3.7. htmx's own file is in the list's budget: 13 KB compressed."""
    everywhere = [CSS / f"{name}.css" for name in sheets("document.html")]
    console = everywhere + [CSS / f"{name}.css" for name in sheets("base.html")]
    assert weight(console) <= 24
    assert weight([*everywhere, CSS / "auth.css"]) <= 10
    scripts = re.findall(r"js/(\w+)\.js", (TEMPLATES / "base.html").read_text())
    assert {"shell", "live", "palette", "sidebar"} <= set(scripts)
    assert weight([JS / f"{name}.js" for name in scripts]) <= 32 - 14
    assert weight([JS / "login.js"]) <= 8
    assert weight([JS / "editor.js"]) <= 60


def test_every_icon_that_is_named_is_in_the_sprite() -> None:
    sprite = set(re.findall(r'id="i-([\w]+)"', (ROOT / "static/icons/sprite.svg").read_text()))
    assert set(STATES) <= sprite
    named: set[str] = set()
    for template in TEMPLATES.rglob("*.html"):
        text = template.read_text()
        named |= set(re.findall(r'ui\.(?:icon|empty)\("([\w]+)"', text)) | set(re.findall(r'[^_]icon\("([\w]+)"', text))
    named |= {"home", "flow", "runs", "shield", "lock", "search"}
    assert named <= sprite, named - sprite


def test_style_sheets_are_whole() -> None:
    for sheet in CSS.glob("*.css"):
        text = re.sub(r"/\*.*?\*/", "", sheet.read_text(), flags=re.DOTALL)
        assert text.count("{") == text.count("}"), sheet.name


def test_templates_hold_no_script_and_no_handler() -> None:
    for template in TEMPLATES.rglob("*.html"):
        text = template.read_text()
        assert not re.search(r"<script(?![^>]*\bsrc=)", text), template
        assert not re.search(r"\son[a-z]+=[\"']", text), template
        assert not re.search(r"\|\s*safe\b", text), template
