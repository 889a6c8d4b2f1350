"""What an App shows: the blocks of an event, each with its texts rendered and the data that it needs.

A block that cannot be rendered says so in its place; the page survives.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from apps.common.errors import IllegalState, NotFound, ProductError
from apps.storage.internal_storage import SCHEME
from apps.userapps.language.default_layout import blocks_for
from apps.userapps.language.definition import AppDefinition
from apps.userapps.models import AppDecision, UserApp, Verdict
from apps.userapps.selectors import last_decision
from apps.workflows.expressions.errors import Failure
from apps.workflows.flow_language.flow import FlowDefinition
from apps.workflows.flow_language.violations import InvalidFlow
from apps.workflows.plugin_api.app_block import AppBlock, AppEvent
from apps.workflows.plugin_api.state import State
from apps.workflows.selectors.executions import ExecutionRow, find_execution
from apps.workflows.selectors.flow_sources import find_source
from apps.workflows.selectors.log_search import list_execution_logs
from apps.workflows.selectors.task_progress import read_progress
from apps.workflows.services.definitions import load_flow
from apps.workflows.services.encrypted_values import ENCRYPTED
from apps.workflows.services.executions import StartRequest, check_inputs
from apps.workflows.services.pausing import check_resume_inputs
from apps.workflows.services.shown_texts import FlowTexts, Unrenderable, texts_of
from apps.workflows.services.stored_outputs import open_flow_outputs

MASK: Final = "********"
MOST_LINES: Final = 300
MOST_ROWS: Final = 500
"""Rows of a Table block; the flow can hand out the rest as a file."""
_RUNNING: Final = frozenset({State.RUNNING, State.RESTARTED, State.RETRYING, State.KILLING})
_FIRST: Final = frozenset({State.CREATED, State.QUEUED})
_GOOD: Final = frozenset({State.SUCCESS, State.WARNING})


class Texts(Protocol):
    """Renders templates. Both raise Unrenderable."""

    def text(self, template: str) -> str: ...

    def value(self, template: str) -> Any: ...


@dataclass(frozen=True, slots=True)
class ShownBlock:
    """A block with its rendered ``texts`` and its ``data``; ``problem`` says why it cannot be shown."""

    block: AppBlock
    texts: Mapping[str, str] = field(default_factory=dict)
    data: Any = None
    problem: str = ""

    @property
    def kind(self) -> str:
        return self.block.kind


@dataclass(frozen=True, slots=True)
class AppPage:
    """What is to be seen at one moment. ``final``: nothing will change any more by itself."""

    app: UserApp
    definition: AppDefinition
    event: AppEvent
    execution: ExecutionRow | None
    decision: AppDecision | None
    blocks: Sequence[ShownBlock]

    @property
    def final(self) -> bool:
        return self.event in {AppEvent.SUCCESS, AppEvent.FAILURE, AppEvent.OPEN, AppEvent.ERROR, AppEvent.FALLBACK}

    def has(self, kind: str) -> bool:
        """Whether the page holds a block of this kind."""
        return any(block.kind == kind for block in self.blocks)

    def exposed_files(self) -> set[str]:
        """Addresses of files that its Outputs, TaskOutputs and Inputs blocks show: only these can be fetched."""
        shown = [block.data for block in self.blocks if block.kind in {"outputs", "task_outputs", "inputs"}]
        return set(_addresses(shown))

    def log_block(self) -> ShownBlock | None:
        return next((block for block in self.blocks if block.kind == "logs" and not block.problem), None)


@dataclass(frozen=True, slots=True)
class NamedValue:
    """A value with the name people see."""

    id: str
    label: str
    kind: str
    value: Any
    description: str = ""
    problem: str = ""


def event_of(state: State, decision: AppDecision | None) -> AppEvent:
    """The event of an execution's state; RESUME while it runs after somebody let it go on here."""
    if state in _FIRST:
        return AppEvent.CREATED
    if state in _RUNNING:
        resumed = decision is not None and decision.verdict == Verdict.RESUMED
        return AppEvent.RESUME if resumed and state is not State.KILLING else AppEvent.RUNNING
    if state is State.PAUSED:
        return AppEvent.PAUSE
    return AppEvent.SUCCESS if state in _GOOD else AppEvent.FAILURE


def open_page(
    app: UserApp, definition: AppDefinition, *, execution_id: str | None, url: str, given: Mapping[str, Any]
) -> AppPage:
    """The page of an App now: of an execution, or (None) the one before any. ``given`` prefills the form.

    NotFound when the execution is gone.
    """
    execution_id = execution_id or definition.execution_id
    if execution_id is None:
        return _page(app, definition, AppEvent.OPEN, None, None, url, given)
    execution = find_execution(execution_id)
    if execution is None or execution.namespace != app.namespace:
        raise NotFound("What this link leads to is no longer there; open the App again.")
    decision = last_decision(execution_id)
    event = event_of(State(execution.state), decision)
    return _page(app, definition, event, execution, decision, url, given)


def preview_page(
    app: UserApp, definition: AppDefinition, event: AppEvent, *, execution_id: str | None, url: str
) -> AppPage:
    """The page of an event, with the data of a past execution when one is named: what the builder shows. NotFound."""
    execution = None if execution_id is None else find_execution(execution_id)
    if execution_id is not None and (execution is None or execution.namespace != app.namespace):
        raise NotFound(f"There is no execution {execution_id[:60]} in {app.namespace}")
    return _page(app, definition, event, execution, None, url, {})


def _page(
    app: UserApp,
    definition: AppDefinition,
    event: AppEvent,
    execution: ExecutionRow | None,
    decision: AppDecision | None,
    url: str,
    given: Mapping[str, Any],
) -> AppPage:
    flow = _flow_of(definition, execution)
    extra = {"app": {"id": app.app_id, "displayName": app.display_name, "url": url}}
    texts: Texts = FlowTexts(app.namespace, flow, extra) if execution is None else texts_of(execution.id, extra)
    filler = _Filler(app, definition, flow, execution, texts, given)
    blocks = [filler.fill(block) for block in blocks_for(definition, event)]
    return AppPage(app, definition, event, execution, decision, blocks)


def _flow_of(definition: AppDefinition, execution: ExecutionRow | None) -> FlowDefinition | None:
    """The flow as it was for an execution, or as a new one would run it; None when it is gone or cannot be read."""
    try:
        if execution is not None:
            return load_flow(execution.flow_ref, execution.flow_revision).definition
        if definition.flow_id is None:
            return None
        source = find_source(definition.namespace, definition.flow_id, definition.flow_revision)
        if source is None or source.deleted:
            return None
        return load_flow(source.flow_ref, source.revision).definition
    except (InvalidFlow, LookupError):
        return None


class _Filler:
    def __init__(
        self,
        app: UserApp,
        definition: AppDefinition,
        flow: FlowDefinition | None,
        execution: ExecutionRow | None,
        texts: Texts,
        given: Mapping[str, Any],
    ) -> None:
        self.app = app
        self.definition = definition
        self.flow = flow
        self.execution = execution
        self.texts = texts
        self.given = given
        self.makers: dict[str, Callable[[Any], Any]] = {
            "create_form": self._create_form,
            "resume_form": self._resume_form,
            "inputs": self._inputs,
            "outputs": self._outputs,
            "task_outputs": self._task_outputs,
            "logs": self._logs,
            "loading": self._progress,
            "table": self._table,
        }

    def fill(self, block: AppBlock) -> ShownBlock:
        try:
            texts = {name: self.texts.text(text) for name, text in block.texts().items() if name != "data"}
            maker = self.makers.get(block.kind)
            return ShownBlock(block, texts, None if maker is None else maker(block))
        except Unrenderable as error:
            return ShownBlock(block, problem=str(error))
        except ProductError as error:
            return ShownBlock(block, problem=error.message)

    def _create_form(self, block: Any) -> list[dict[str, Any]]:
        if self.definition.flow_id is None:
            raise NotFound("This App shows a past execution and starts none.")
        request = StartRequest(
            self.app.namespace, self.definition.flow_id, self.definition.flow_revision, given=self.given
        )
        try:
            return check_inputs(request=request)
        except (NotFound, IllegalState) as error:
            # A visitor learns nothing of flows; who may see them finds out in the console.
            raise NotFound("This App cannot start anything right now. Its flow is missing or switched off.") from error

    def _resume_form(self, block: Any) -> list[dict[str, Any]]:
        if self.execution is None:
            return []
        return check_resume_inputs(execution_id=self.execution.id, given=self.given, files={})

    def _inputs(self, block: Any) -> list[NamedValue]:
        values = (self.execution.inputs if self.execution is not None else None) or {}
        declared = {} if self.flow is None else {one.id: one for one in self.flow.inputs}
        shown = []
        for key, value in _by_name(values, declared):
            if value is None or not block.filter.takes(key):
                continue
            one = declared.get(key)
            label = (one.display_name if one is not None else None) or readable_name(key)
            kind = one.type.value if one is not None else _kind_of(value)
            shown.append(NamedValue(key, label, kind, hide_encrypted(value)))
        return shown

    def _outputs(self, block: Any) -> list[NamedValue]:
        values: Mapping[str, Any] = {}
        if self.execution is not None:
            try:
                values = open_flow_outputs(self.execution.id, self.execution.outputs) or {}
            except Failure as error:
                raise Unrenderable(str(error)) from error
        declared = {} if self.flow is None else {one.id: one for one in self.flow.outputs}
        shown = []
        for key, value in _by_name(values, declared):
            if value is None or not block.filter.takes(key):
                continue
            one = declared.get(key)
            kind = one.type.value if one is not None else _kind_of(value)
            label = (one.display_name if one is not None else None) or readable_name(key)
            text = (one.description if one is not None else None) or ""
            shown.append(NamedValue(key, label, kind, hide_encrypted(value), text))
        return shown

    def _task_outputs(self, block: Any) -> list[NamedValue]:
        shown = []
        for number, one in enumerate(block.outputs):
            value, problem = None, ""
            try:
                value = hide_encrypted(self.texts.value(one.value))
            except Unrenderable as error:
                problem = str(error)
            name = f"output-{number + 1}"
            shown.append(NamedValue(name, one.display_name, one.type.value, value, one.description or "", problem))
        return shown

    def _logs(self, block: Any) -> list[Any]:
        if self.execution is None:
            return []
        wanted = block.filter
        lines = list_execution_logs(self.execution.id, min_level=wanted.log_level)
        kept = [line for line in lines if not wanted.task_ids or line.task_id in wanted.task_ids]
        return kept[-MOST_LINES:]

    def _progress(self, block: Any) -> tuple[int, int] | None:
        """(tasks done, tasks in all) of the flow's own list; None before it runs."""
        if self.execution is None or self.flow is None:
            return None
        return min(read_progress(self.execution.id), len(self.flow.tasks)), len(self.flow.tasks)

    def _table(self, block: Any) -> tuple[list[str], list[list[str]], int]:
        """(columns, rows, rows left out)."""
        data = self.texts.value(block.data) if isinstance(block.data, str) else block.data
        if isinstance(data, str):
            try:
                data = json.loads(data)
            except ValueError as error:
                raise Unrenderable("The table needs a list of maps, and `data` gives a text") from error
        if not isinstance(data, list | tuple):
            raise Unrenderable("The table needs a list of maps")
        rows = [item if isinstance(item, Mapping) else {"value": item} for item in data[:MOST_ROWS]]
        columns = list(dict.fromkeys(str(key) for row in rows for key in row))
        cells = [[cell_text(hide_encrypted(row.get(column))) for column in columns] for row in rows]
        return columns, cells, max(0, len(data) - MOST_ROWS)


def readable_name(key: str) -> str:
    """cost_centre → Cost centre: an id where no name was written."""
    words = key.rpartition(".")[2].replace("_", " ").replace("-", " ").strip()
    return words[:1].upper() + words[1:] if words else key


def _by_name(values: Mapping[str, Any], declared: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """(name, value) in the order of declaration; ids with dots are nested maps in the values. Others follow."""
    for key in declared:
        value: Any = values
        for part in key.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        yield key, value
    roots = {key.partition(".")[0] for key in declared}
    yield from ((key, value) for key, value in values.items() if key not in roots)


def hide_encrypted(value: Any) -> Any:
    """The value with ******** for each encrypted one in it."""
    match value:
        case Mapping() if value.get("type") == ENCRYPTED:
            return MASK
        case Mapping():
            return {str(key): hide_encrypted(item) for key, item in value.items()}
        case list() | tuple():
            return [hide_encrypted(item) for item in value]
    return value


def cell_text(value: Any) -> str:
    """A value as one line."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _kind_of(value: Any) -> str:
    match value:
        case str() if value.startswith(SCHEME):
            return "FILE"
        case bool():
            return "BOOLEAN"
        case int() | float():
            return "FLOAT"
        case str():
            return "STRING"
    return "JSON"


def _addresses(value: Any) -> Iterator[str]:
    match value:
        case str() if value.startswith(SCHEME):
            yield value
        case NamedValue():
            yield from _addresses(value.value)
        case Mapping():
            for item in value.values():
                yield from _addresses(item)
        case list() | tuple():
            for item in value:
                yield from _addresses(item)
