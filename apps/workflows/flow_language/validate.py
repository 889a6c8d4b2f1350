"""Everything that is wrong with a flow beyond the shape of its parts, and what is better known before it runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from apps.workflows.expressions.environment import check_syntax
from apps.workflows.expressions.errors import ExpressionError
from apps.workflows.flow_language.document import Document
from apps.workflows.flow_language.flow import FlowDefinition
from apps.workflows.flow_language.nodes import models, texts, written_tasks
from apps.workflows.flow_language.plugin_defaults import Default, unknown_properties
from apps.workflows.flow_language.properties import written_name
from apps.workflows.flow_language.violations import Path, Violation, format_path
from apps.workflows.plugin_api.condition import Condition
from apps.workflows.plugin_api.documented import Advising, Documented, is_deprecated
from apps.workflows.plugin_api.duration import format_duration
from apps.workflows.plugin_api.inputs import check_declarations
from apps.workflows.plugin_api.model import PluginModel
from apps.workflows.plugin_api.registry import names_of
from apps.workflows.plugin_api.retry import ConstantRetry, ExponentialRetry, RandomRetry, RetryBase
from apps.workflows.plugin_api.task import Task
from apps.workflows.plugin_api.task_runner import TaskRunner
from apps.workflows.plugin_api.trigger import Trigger

SUBFLOW_TYPES = frozenset(
    {
        "io.kestra.plugin.core.flow.Subflow",
        "io.kestra.core.tasks.flows.Subflow",
        "io.kestra.core.tasks.flows.Flow",
        "io.kestra.plugin.core.flow.ForEachItem",
        "io.kestra.core.tasks.flows.ForEachItem",
    }
)
FLOW_TRIGGER_TYPES = frozenset({"io.kestra.plugin.core.trigger.Flow", "io.kestra.core.models.triggers.types.Flow"})


def check_tree(document: Document) -> list[Violation]:
    """What can be seen in the tree alone, so that it is told even when the flow cannot be typed."""
    flow = document.value
    if not isinstance(flow, dict):
        return []
    found = [
        *_duplicates(document, "task id", [(path, node.get("id")) for path, node in written_tasks(flow)]),
        *_duplicates(document, "trigger id", _ids(flow, "triggers")),
        *_duplicates(document, "output", _ids(flow, "outputs")),
    ]
    for path, node in written_tasks(flow):
        if _calls_itself(flow, node):
            message = f"Recursive call to flow [{flow.get('namespace')}.{flow.get('id')}]"
            found.append(_at(document, path, message))
    return found


def _ids(flow: dict[str, Any], holder: str) -> list[tuple[Path, Any]]:
    listed = flow.get(holder)
    if not isinstance(listed, list):
        return []
    return [((holder, number), item.get("id")) for number, item in enumerate(listed) if isinstance(item, dict)]


def _duplicates(document: Document, noun: str, named: list[tuple[Path, Any]]) -> Iterator[Violation]:
    seen: set[str] = set()
    twice: dict[str, Path] = {}
    for path, name in named:
        if isinstance(name, str) and name in seen:
            twice.setdefault(str(name), path)
        seen.add(str(name))
    if twice:
        yield _at(document, next(iter(twice.values())), f"Duplicate {noun} with name [{', '.join(sorted(twice))}]")


def _calls_itself(flow: dict[str, Any], node: dict[str, Any]) -> bool:
    target = (node.get("namespace"), node.get("flowId"))
    return node.get("type") in SUBFLOW_TYPES and target == (flow.get("namespace"), flow.get("id"))


def _at(document: Document, path: Path, message: str) -> Violation:
    _, line, column = document.locate(path)
    return Violation(message, format_path(path), line, column)


def check_flow(flow: FlowDefinition, document: Document) -> list[Violation]:
    """What is wrong with a typed flow."""
    found = [_at(document, ("inputs",), problem) for problem in check_declarations(flow.inputs)]
    for path, model in models(flow):
        found += [_at(document, path, problem) for problem in _problems(model)]
    for number, default in enumerate(flow.plugin_defaults):
        path = ("pluginDefaults", number)
        if not default.values:
            found.append(_at(document, path, "Invalid Plugin Default: No 'values' provided"))
        for key, value in default.values.items():
            if value is None:
                message = f"Invalid Plugin Default: No value provided for key '{key}'"
                found.append(_at(document, (*path, "values", key), message))
    return found


def _problems(model: PluginModel) -> list[str]:
    match model:
        case Task() | Trigger():
            return [f"{model.id}: {problem}" for problem in model.check()]
        case Condition() | TaskRunner():
            return model.check()
        case RetryBase():
            return list(_retry_problems(model))
    return []


def _retry_problems(retry: RetryBase) -> Iterator[str]:
    longest = ("maxDuration", retry.max_duration)
    match retry:
        case ConstantRetry():
            pairs = [("interval", retry.interval, *longest)]
        case ExponentialRetry():
            pairs = [
                ("interval", retry.interval, *longest),
                ("interval", retry.interval, "maxInterval", retry.max_interval),
                ("maxInterval", retry.max_interval, *longest),
            ]
        case RandomRetry():
            pairs = [
                ("minInterval", retry.min_interval, *longest),
                ("minInterval", retry.min_interval, "maxInterval", retry.max_interval),
                ("maxInterval", retry.max_interval, *longest),
            ]
        case _:
            pairs = []
    for name, value, limit_name, limit in pairs:
        if limit is not None and value >= limit:
            yield f"'{name}' must be less than '{limit_name}' but is {format_duration(value)}"


def warnings(flow: FlowDefinition, document: Document) -> list[Violation]:
    """What will surely or probably not do what its writer wants, though the flow can be saved."""
    found = list(_syntax_errors(flow, document))
    for number, default in enumerate(flow.plugin_defaults):
        for name in unknown_properties(Default(default.type, default.values, default.forced)):
            message = f"No property '{name}' exists in plugin '{default.type}'"
            found.append(_at(document, ("pluginDefaults", number, "values", name), message))
    for number, trigger in enumerate(flow.triggers):
        preconditions = getattr(trigger, "preconditions", None)
        if trigger.type in FLOW_TRIGGER_TYPES and not trigger.conditions and preconditions is None:
            message = (
                "This flow will be triggered for EVERY execution of EVERY flow of this tenant; "
                "add `preconditions` to the Flow trigger to name the ones it should follow"
            )
            found.append(_at(document, ("triggers", number), message))
    for path, model in models(flow):
        if isinstance(model, Advising):
            found += [_at(document, path, f"{model.id}: {advice}") for advice in model.advise()]
    return found


def _syntax_errors(flow: FlowDefinition, document: Document) -> Iterator[Violation]:
    for path, text in texts(flow):
        if ("{{" not in text and "{%" not in text) or path[-1] in ("description", "displayName"):
            continue
        try:
            check_syntax(text)
        except ExpressionError as error:
            yield _at(document, path, f"Invalid expression: {error.message}")


def deprecations(flow: FlowDefinition) -> list[str]:
    """Paths of the properties and types in use that new flows should not use."""
    found = []
    for path, model in models(flow):
        if isinstance(model, Documented) and model.deprecated:
            found.append(format_path(path))
        for name, field in type(model).model_fields.items():
            if is_deprecated(field) and name in model.model_fields_set:
                found.append(format_path((*path, written_name(name, field))))
    return found


def replaced_types(flow: FlowDefinition) -> list[str]:
    """A sentence for each type that is written with a name of old."""
    types = dict.fromkeys(str(getattr(model, "type", "")) for _, model in models(flow))
    return [f"{name} is replaced by {names_of(name)[0]}" for name in types if names_of(name)[0] != name]
