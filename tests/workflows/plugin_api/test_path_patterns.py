"""Patterns of paths, as Java matches them."""

from __future__ import annotations

import pytest

from apps.workflows.plugin_api.path_patterns import InvalidPattern, matches


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        ("*.csv", ["a.csv", ".csv"], ["d/a.csv", "a.csvx"]),
        ("**/*.csv", ["d/a.csv", "d/e/a.csv"], ["a.csv"]),
        ("**.csv", ["a.csv", "d/a.csv"], ["a.txt"]),
        ("d/?.txt", ["d/a.txt"], ["d/ab.txt", "d//.txt"]),
        ("{a,b/c}.txt", ["a.txt", "b/c.txt"], ["c.txt"]),
        ("[a-c].txt", ["b.txt"], ["d.txt"]),
        ("[!a-c].txt", ["d.txt"], ["b.txt", "/.txt"]),
        ("a+b(1).txt", ["a+b(1).txt"], ["aab1.txt"]),
        ("\\*.txt", ["*.txt"], ["a.txt"]),
        ("glob:*.txt", ["a.txt"], ["b/a.txt"]),
        ("regex:.*\\.(csv|txt)", ["d/a.txt"], ["a.doc"]),
    ],
)
def test_patterns(pattern: str, matching: list[str], other: list[str]) -> None:
    assert [path for path in matching if not matches(pattern, path)] == []
    assert [path for path in other if matches(pattern, path)] == []


@pytest.mark.parametrize("pattern", ["{a,b", "[a", "regex:("])
def test_patterns_that_are_not_closed(pattern: str) -> None:
    with pytest.raises(InvalidPattern):
        matches(pattern, "a")


def test_a_pattern_does_not_search_for_ever() -> None:
    with pytest.raises(InvalidPattern, match="takes too long"):
        matches("regex:(.*a){20}b", "a" * 3000)
