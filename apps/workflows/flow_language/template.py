"""Template: tasks that flows take in, written as a flow that has nothing but tasks; and taking them in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from apps.workflows.flow_language.document import read_document
from apps.workflows.flow_language.flow import FlowDefinition
from apps.workflows.flow_language.plugin_defaults import Layer, read_layer
from apps.workflows.flow_language.source import parse_flow
from apps.workflows.flow_language.violations import InvalidFlow, Violation
from apps.workflows.plugin_api.frame import Lanes
from apps.workflows.plugin_api.task import FlowableTask, IncludingTask, Task

KEYS: Final = ("id", "namespace", "description", "tasks", "errors")
Find = Callable[[str, str], str | None]
"""The source of a template by namespace and id; None when there is none. PermissionError when it may not be used."""
_LOOPS: Final = frozenset({Lanes.PER_VALUE, Lanes.PER_VALUE_AND_TASK})


def parse_template(source: str, *, strict: bool = True, plugin_defaults: Sequence[Layer] = ()) -> FlowDefinition:
    """The tasks and errors of a template. InvalidFlow, as for a flow, and for what only a flow may have."""
    document = read_document(source)
    if strict and isinstance(document.value, dict):
        others = [key for key in document.value if key not in KEYS]
        if others:
            raise InvalidFlow(
                [
                    Violation(f"A template has no `{key}`: it has {', '.join(KEYS)}", key, *document.locate((key,))[1:])
                    for key in others
                ]
            )
    return parse_flow(source, strict=strict, plugin_defaults=plugin_defaults)


def including_tasks(tasks: Sequence[Task]) -> Iterator[IncludingTask]:
    """The tasks, at any depth, that take in a template."""
    for task in tasks:
        if isinstance(task, IncludingTask):
            yield task
        yield from including_tasks(task.children())


def include_templates(flow: FlowDefinition, find: Find, around: Sequence[Layer] = ()) -> None:
    """Give each including task of a flow its tasks, those of templates in templates too, before it is compiled.

    One whose tasks cannot be had is told why, and fails when it runs. ``around`` are the plugin defaults around the
    flow: they and the flow's own fill in the template's tasks.
    """
    own = read_layer([default.model_dump() for default in flow.plugin_defaults])
    _Inclusion(find, [own, *around]).run(flow)


class _Inclusion:
    def __init__(self, find: Find, layers: Sequence[Layer]) -> None:
        self.find = find
        self.layers = layers
        self.ids: dict[str, tuple[object, int]] = {}
        """Of each task id: whose it is (a template's name, or None for the flow), and how many loops are above it."""

    def run(self, flow: FlowDefinition) -> None:
        outermost = [*flow.tasks, *flow.errors, *flow.finally_, *flow.after_execution]
        outermost += [task for listener in flow.listeners for task in listener.tasks]
        self.note(outermost, None, 0)
        self.tasks(outermost, (), 0)

    def tasks(self, tasks: Sequence[Task], above: tuple[tuple[str, str], ...], depth: int) -> None:
        for task in tasks:
            if isinstance(task, IncludingTask):
                self.include(task, above, depth)
            elif isinstance(task, FlowableTask):
                for child, inner in _children(task, depth):
                    self.tasks([child], above, inner)

    def include(self, task: IncludingTask, above: tuple[tuple[str, str], ...], depth: int) -> None:
        name = task.template_name()
        called = ".".join(name)
        if name in above:
            task.refuse(f"The flow template '{called}' takes in itself")
            return
        try:
            source = self.find(*name)
            if source is None:
                task.refuse(f"Can't find flow template '{called}'")
                return
            template = parse_template(source, strict=False, plugin_defaults=self.layers)
        except PermissionError as error:
            task.refuse(str(error))
            return
        except InvalidFlow as error:
            task.refuse(f"The flow template '{called}' cannot be read: {error}")
            return
        taken = [*template.tasks, *template.errors]
        clash = self.note(taken, name, depth)
        if clash is not None:
            task.refuse(f"The flow template '{called}' has a task `{clash}`, and so has the flow, elsewhere")
            return
        task.include(tuple(template.tasks), tuple(template.errors))
        self.tasks(taken, (*above, name), depth)
        self.tasks(task.errors, above, depth)

    def note(self, tasks: Sequence[Task], owner: object, depth: int) -> str | None:
        """Note whose the ids are; the first that is somebody else's already, or his at another depth of loops."""
        for task in tasks:
            if self.ids.setdefault(task.id, (owner, depth)) != (owner, depth):
                return task.id
            if isinstance(task, FlowableTask):
                for child, inner in _children(task, depth):
                    if (clash := self.note([child], owner, inner)) is not None:
                        return clash
        return None


def _children(task: FlowableTask, depth: int) -> Iterator[tuple[Task, int]]:
    spec = task.frame()
    for tasks in spec.lists.values():
        for child in tasks:
            yield child, depth + (spec.lanes in _LOOPS)
    for child in (*spec.errors, *spec.finals):
        yield child, depth
