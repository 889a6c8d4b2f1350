"""Markdown of users never becomes markup of theirs."""

from __future__ import annotations

import pytest

from apps.common.markdown import render_markdown


def test_headings_lists_tables_and_links_are_shown() -> None:
    html = render_markdown(
        "# Refund\n\n- one\n- *two*\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n[more](https://example.com)"
    )
    assert "<h2>Refund</h2>" in html
    assert "<em>two</em>" in html
    assert "<td>1</td>" in html
    assert '<a href="https://example.com" rel="noopener noreferrer nofollow">more</a>' in html


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "[x](data:text/html;base64,AAAA)",
        "![x](javascript:alert(1))",
        '[x](https://a "\\" onmouseover=alert(1)")',
    ],
)
def test_nothing_that_acts_gets_through(text: str) -> None:
    html = render_markdown(text)
    assert "<script" not in html
    assert "<img src=x" not in html
    assert 'href="javascript' not in html and 'src="javascript' not in html and 'href="data' not in html
    assert " onmouseover=" not in html.replace("&quot;", '"').split('title="')[0]


def test_headings_begin_below_the_page_s_own() -> None:
    assert "<h3>Deep</h3>" in render_markdown("# Deep", top_heading=3)
