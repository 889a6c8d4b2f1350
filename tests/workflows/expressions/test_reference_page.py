"""The page of the reference in docs/ says what the code says."""

from pathlib import Path

from apps.workflows.expressions.reference import reference
from apps.workflows.expressions.reference_page import page

STORED = Path(__file__).parents[3] / "docs" / "reference" / "expressions.md"


def test_stored_page_is_what_the_code_says() -> None:
    assert STORED.read_text() == page(), "run `make docs`"


def test_every_operation_has_its_section_with_an_example() -> None:
    text = page()
    for entry in reference():
        assert f"### {entry.name}\n" in text
        assert entry.example, entry.name
