"""Completion inside `{{ … }}`: functions, filters, and the names that an execution of the flow will know."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, Final

from apps.workflows.expressions.environment import Entry, reference
from apps.workflows.flow_language.json_schema import output_schema
from apps.workflows.flow_language.known_names import FlowNames, Option
from apps.workflows.plugin_api.errors import MissingLibrary, UnknownType
from apps.workflows.plugin_api.registry import plugin_class

_QUOTED: Final = re.compile(r"""\b(secret|kv)\(\s*(?:key\s*=\s*)?['"]([\w.-]*)$""")
_FILTER: Final = re.compile(r"\|\s*(\w*)$")
_PATH: Final = re.compile(r"([A-Za-z_][\w-]*(?:\.[\w-]+)*)\.([\w-]*)$")
_WORD: Final = re.compile(r"[A-Za-z_]\w*$")
_ROOTS: Final = {
    "outputs": "What the tasks before gave.",
    "inputs": "What the execution was started with.",
    "vars": "The variables of the flow.",
    "labels": "The labels of the execution.",
    "trigger": "What started the execution.",
    "flow": "The flow itself.",
    "execution": "The execution itself.",
    "task": "The task that runs.",
    "taskrun": "This run of the task.",
    "parent": "The task run around this one.",
    "namespace": "Variables of the namespace.",
    "envs": "Variables of the worker's environment.",
    "globals": "Values that hold for all flows.",
    "error": "What failed; in `errors` only.",
}
_PARTS: Final = {
    "flow": ("id", "namespace", "revision", "tenantId"),
    "execution": ("id", "startDate", "state", "originalId", "outputs"),
    "task": ("id", "type"),
    "taskrun": ("id", "startDate", "attemptsCount", "parentId", "value", "iteration"),
    "trigger": ("date", "next", "previous", "body", "headers", "parameters", "executionId", "namespace", "flowId"),
    "parent": ("taskrun", "outputs"),
    "error": ("taskId", "message", "stackTrace"),
}


def complete_expression(
    text: str, names: FlowNames, keys: Sequence[str], secrets: Sequence[str]
) -> tuple[str, list[Option]]:
    """(the typed part, suggestions) for the text of an expression up to the cursor."""
    if quoted := _QUOTED.search(text):
        known = secrets if quoted[1] == "secret" else keys
        return quoted[2], [Option(name, "value", detail=quoted[1]) for name in known]
    if text.count("'") % 2 or text.count('"') % 2:
        return "", []
    if piped := _FILTER.search(text):
        return piped[1], [_entry(one) for one in reference() if one.kind == "filter"]
    if path := _PATH.search(text):
        return path[2], list(_below(path[1].split("."), names))
    word = _WORD.search(text)
    found = [Option(name, "variable", info=meaning, boost=1) for name, meaning in _ROOTS.items()]
    found += [_entry(one) for one in reference() if one.kind == "function"]
    return word[0] if word else "", found


def explain_word(word: str) -> tuple[str, str]:
    """(signature, Markdown) of a function or filter; of a name that executions know; empty for others."""
    for one in reference():
        if one.name == word:
            shown = "\n".join(f"- `{example.template}` gives `{example.result}`" for example in one.examples[:2])
            return one.signature, f"{one.meaning}\n\n{shown}"
    return (word, _ROOTS[word]) if word in _ROOTS else ("", "")


def _entry(entry: Entry) -> Option:
    insert = f"{entry.name}(" if entry.kind == "function" and not entry.signature.endswith("()") else entry.name
    insert += "()" if entry.kind == "function" and entry.signature.endswith("()") else ""
    return Option(entry.name, entry.kind, detail=entry.signature, info=entry.meaning, insert=insert)


def _below(path: Sequence[str], names: FlowNames) -> Iterator[Option]:
    match path:
        case ["outputs"]:
            yield from (Option(name, "variable", detail=kind.rpartition(".")[2]) for name, kind in names.tasks.items())
        case ["outputs", task, *rest]:
            schema = _output(names.tasks.get(task, ""))
            for name, part in _properties(schema, rest):
                yield Option(name, "property", detail=str(part.get("type", "")), info=str(part.get("title", "")))
        case ["inputs"]:
            yield from (Option(name, "variable", detail=kind) for name, kind in names.inputs.items())
        case ["vars"]:
            yield from (Option(name, "variable") for name in names.variables)
        case ["labels"]:
            yield from (Option(name, "variable") for name in names.labels)
        case [root]:
            yield from (Option(name, "property") for name in _PARTS.get(root, ()))


def _properties(schema: dict[str, Any], path: Sequence[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    if not path:
        yield from schema.get("properties", {}).items()


@cache
def _output(type_name: str) -> dict[str, Any]:
    try:
        return output_schema(plugin_class(type_name)) or {}
    except (UnknownType, MissingLibrary):
        return {}
