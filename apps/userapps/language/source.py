"""The YAML text of an App, read into an AppDefinition with every mistake told at its line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import ValidationError

from apps.userapps.language.definition import AppDefinition
from apps.workflows.expressions.environment import check_syntax
from apps.workflows.expressions.errors import ExpressionError
from apps.workflows.flow_language.document import Document, read_document
from apps.workflows.flow_language.explain import explain
from apps.workflows.flow_language.scalars import settle
from apps.workflows.flow_language.violations import InvalidFlow, Path, Violation, format_path
from apps.workflows.plugin_api.app_block import AppEvent


@dataclass(frozen=True, slots=True)
class AppReport:
    """All there is to say about a source: ``app`` is None when there are violations."""

    app: AppDefinition | None
    violations: tuple[Violation, ...]


def inspect_app(source: str) -> AppReport:
    """What an editor shows beside an App. Never raises for what stands in the source."""
    try:
        document = read_document(source)
    except InvalidFlow as error:
        return AppReport(None, error.violations)
    if not isinstance(document.value, dict):
        message = "An App must be a map with `id`, `type`, `displayName`, `namespace` and `flowId`"
        return AppReport(None, (Violation(message, line=document.place.line, column=document.place.column),))
    found = [*document.duplicates]
    try:
        context = {"by_name": False, "extra": "forbid"}
        app = AppDefinition.model_validate(document.value, context=context, by_name=False, extra="forbid")
    except ValidationError as error:
        found += explain(error.errors(include_url=False), document, AppDefinition)
        return AppReport(None, tuple(found))
    app = settle(app)
    found += [*_layout_problems(app, document), *_syntax_errors(app, document)]
    return AppReport(None if found else app, tuple(found))


def parse_app(source: str) -> AppDefinition:
    """The App of a YAML text. InvalidFlow, with every violation, when it cannot be accepted."""
    report = inspect_app(source)
    if report.app is None:
        raise InvalidFlow(report.violations)
    return report.app


def _layout_problems(app: AppDefinition, document: Document) -> Iterator[Violation]:
    seen: set[AppEvent] = set()
    for number, entry in enumerate(app.layout):
        if entry.on in seen:
            yield _at(document, ("layout", number, "on"), f"The event {entry.on} has two layouts; join them")
        seen.add(entry.on)
        for place, block in enumerate(entry.blocks):
            if entry.on not in block.allowed_on:
                allowed = ", ".join(event for event in AppEvent if event in block.allowed_on)
                name = block.type.rsplit(".", 1)[-1]
                message = f"The block {name} cannot stand on {entry.on}; it can on {allowed}"
                yield _at(document, ("layout", number, "blocks", place, "type"), message)


def _syntax_errors(app: AppDefinition, document: Document) -> Iterator[Violation]:
    for number, entry in enumerate(app.layout):
        for place, block in enumerate(entry.blocks):
            for name, text in block.texts().items():
                try:
                    check_syntax(text)
                except ExpressionError as error:
                    path = ("layout", number, "blocks", place, name)
                    yield _at(document, path, f"Invalid expression: {error.message}")


def _at(document: Document, path: Path, message: str) -> Violation:
    _, line, column = document.locate(path)
    return Violation(message, format_path(path), line, column)
