"""The reference of filters, functions and tests as a page of Markdown; run as a module it prints the page."""

import sys
from itertools import groupby

from apps.workflows.expressions.reference import Entry, reference

HEADINGS = {"filter": "Filters", "function": "Functions", "test": "Tests"}
USES = {
    "filter": "Written after a value: `{{ value | name(arguments) }}`.",
    "function": "Called by name: `{{ name(arguments) }}`.",
    "test": "Written after `is` or `is not`: `{{ value is name }}`.",
}
INTRODUCTION = """\
# Filters, functions and tests

What expressions between `{{` and `}}` may use. Made from the code's own docstrings by `make docs`; each example is run
by a test.
"""


def page() -> str:
    """The whole page."""
    parts = [INTRODUCTION]
    for kind, entries in groupby(reference(), key=lambda entry: entry.kind):
        parts.append(f"## {HEADINGS[kind]}\n\n{USES[kind]}\n")
        parts += [section(entry) for entry in entries]
    return "\n".join(parts)


def section(entry: Entry) -> str:
    """One operation: signature, meaning, examples with their results."""
    lines = [f"### {entry.name}", "", f"`{entry.signature}`", "", entry.meaning, "", "```"]
    for example in entry.examples:
        sign = "≈" if example.pattern else "→"
        lines.append(f"{example.template}  {sign}  {example.result}".replace("\n", "\\n"))
    return "\n".join([*lines, "```", ""])


if __name__ == "__main__":
    sys.stdout.write(page())
