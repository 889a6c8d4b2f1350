"""An App's YAML: what may stand in it, every mistake at its line, and a page for every event."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from apps.userapps.language.default_layout import blocks_for
from apps.userapps.language.definition import AccessType
from apps.userapps.language.source import inspect_app, parse_app
from apps.userapps.services.pages import event_of
from apps.workflows.plugin_api.app_block import AppEvent
from apps.workflows.plugin_api.state import State

HEAD = """\
id: request_data
type: io.kestra.plugin.ee.apps.Execution
displayName: Request data
namespace: company.team
flowId: request_data
"""
BLOCKS = "io.kestra.plugin.ee.apps.core.blocks."
EXECUTION = "io.kestra.plugin.ee.apps.execution.blocks."


def problems(source: str) -> list[tuple[str, int, str]]:
    return [(one.path, one.line, one.message) for one in inspect_app(source).violations]


def test_the_shortest_app_has_a_form_and_a_thank_you() -> None:
    app = parse_app(HEAD)
    assert app.access.type is AccessType.PRIVATE
    assert [block.kind for block in blocks_for(app, AppEvent.OPEN)] == ["create_form", "create_button"]
    assert [block.kind for block in blocks_for(app, AppEvent.CREATED)] == ["markdown"]


def test_access_and_expiration_are_read_in_both_forms() -> None:
    source = HEAD + "access: PUBLIC\nexpiration:\n  startDate: 2026-01-01T00:00:00Z\n  endDate: 2026-02-01T00:00:00\n"
    app = parse_app(source)
    assert app.access.type is AccessType.PUBLIC
    assert app.expiration.opens() == datetime(2026, 1, 1, tzinfo=UTC)
    assert app.expiration.closes() == datetime(2026, 2, 1, tzinfo=UTC)
    assert parse_app(HEAD + "access:\n  type: PRIVATE\n  groups: [Data]\n").access.groups == ["Data"]


def test_a_block_on_an_event_that_forbids_it_is_told_with_its_line() -> None:
    source = HEAD + f"layout:\n  - on: OPEN\n    blocks:\n      - type: {BLOCKS}Loading\n"
    assert problems(source) == [
        ("layout[0].blocks[0].type", 9, "The block Loading cannot stand on OPEN; it can on RUNNING")
    ]


def test_a_misspelt_block_and_property_name_the_nearest() -> None:
    source = HEAD + f"layout:\n  - on: OPEN\n    blocks:\n      - type: {BLOCKS}Markdwn\n        content: x\n"
    assert any(line == 9 and "did you mean" in text and "Markdown" in text for _, line, text in problems(source))
    source = HEAD + f"layout:\n  - on: OPEN\n    blocks:\n      - type: {BLOCKS}Markdown\n        contents: x\n"
    found = problems(source)
    assert any(line == 10 and 'did you mean "content"' in text for _, line, text in found)


@pytest.mark.parametrize(
    ("change", "path"),
    [
        (HEAD.replace("flowId: request_data\n", ""), ""),
        (HEAD + "expiration: {startDate: 2026-02-01T00:00:00Z, endDate: 2026-01-01T00:00:00Z}\n", "expiration"),
        (HEAD.replace("request_data\n", "no spaces\n", 1), "id"),
        (HEAD + "layout:\n  - on: LATER\n    blocks: [{type: x}]\n", "layout[0].on"),
        (HEAD + "access: {type: SECRET}\n", "access.type"),
        ("- just\n- a list\n", ""),
        ("", ""),
    ],
)
def test_what_cannot_be_is_refused_at_its_place(change: str, path: str) -> None:
    found = problems(change)
    assert found
    assert path in [place for place, _, _ in found]


def test_an_event_has_one_layout_and_expressions_are_checked() -> None:
    twice = "  - on: OPEN\n    blocks:\n      - {type: " + BLOCKS + "Markdown, content: x}\n"
    assert any("two layouts" in text for _, _, text in problems(HEAD + "layout:\n" + twice + twice))
    broken = f'layout:\n  - on: OPEN\n    blocks:\n      - type: {BLOCKS}Markdown\n        content: "{{{{ x "\n'
    assert any("Invalid expression" in text for _, _, text in problems(HEAD + broken))


def test_an_event_without_entry_gets_fallback_then_the_plain_default() -> None:
    fallback = f"layout:\n  - on: FALLBACK\n    blocks:\n      - type: {BLOCKS}Divider\n"
    app = parse_app(HEAD + fallback)
    assert [block.kind for block in blocks_for(app, AppEvent.SUCCESS)] == ["divider"]
    app = parse_app(HEAD)
    for event in AppEvent:
        assert blocks_for(app, event), event
    running = f"layout:\n  - on: RUNNING\n    blocks:\n      - type: {BLOCKS}Divider\n"
    assert [block.kind for block in blocks_for(parse_app(HEAD + running), AppEvent.RESUME)] == ["divider"]


def test_every_state_has_its_event() -> None:
    events = {state: event_of(state, None) for state in State}
    assert events[State.QUEUED] is AppEvent.CREATED
    assert events[State.KILLING] is AppEvent.RUNNING
    assert events[State.WARNING] is AppEvent.SUCCESS
    assert events[State.CANCELLED] is AppEvent.FAILURE
    assert events[State.PAUSED] is AppEvent.PAUSE
