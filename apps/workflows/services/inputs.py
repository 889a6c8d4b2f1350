"""Inputs of an execution (or of a resumed Pause): what was sent → typed values, with every error in order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from apps.workflows.expressions.errors import ExpressionError
from apps.workflows.plugin_api.inputs import (
    MISSING,
    NOT_ENCRYPTED,
    ArrayInput,
    FileInput,
    Input,
    InputType,
    InvalidInput,
    MultiselectInput,
    SelectInput,
    is_expression,
)
from apps.workflows.services.encrypted_values import ENCRYPTED

MASK = "********"


class Upload(Protocol):
    """A file that came with the request; Django's UploadedFile is one."""

    name: str | None
    size: int | None


class InputRenderer(Protocol):
    """Expressions with ``inputs`` as the inputs an input depends on. Both raise ExpressionError."""

    def render(self, template: str, inputs: Mapping[str, Any]) -> str:
        """The template's text."""
        ...

    def render_typed(self, template: str, inputs: Mapping[str, Any]) -> Any:
        """The object itself when the template is one expression."""
        ...


@dataclass(frozen=True, slots=True)
class ReadInputs:
    """The typed values, nested by the dots of their ids and encrypted where SECRET, and what was wrong.

    With errors there are no values and no file was stored: nothing may be started from them.
    """

    values: dict[str, Any]
    errors: list[InvalidInput]

    @property
    def message(self) -> str:
        """The text of an API error: the first faulty input with its error. Only when there are errors."""
        return f"{self.errors[0].input_id}: {self.errors[0]}"


def read_inputs(
    declared: Sequence[Input],
    given: Mapping[str, Any],
    *,
    files: Mapping[str, Upload],
    renderer: InputRenderer,
    encrypt: Callable[[str], str] | None,
    file_address: Callable[[FileInput, Upload], str],
    store_file: Callable[[str, Upload], None],
) -> ReadInputs:
    """Type and check all declared inputs.

    ``given`` holds texts or JSON by input id (dotted, or nested as the dots say); what is not declared is ignored.
    ``files`` holds uploads by input id. ``encrypt`` is None where no encryption is configured. ``file_address`` chooses
    where an upload will lie and ``store_file(address, upload)`` puts it there, called only when all inputs are valid.
    """
    asked = _Reading(declared, given, files, renderer, file_address)
    outcomes = [asked.read(one.id) for one in declared]
    errors = [outcome.error for outcome in outcomes if outcome.error is not None]
    if encrypt is None:
        errors += [
            outcome.declared.invalid(NOT_ENCRYPTED, MASK)
            for outcome in outcomes
            if _is_secret(outcome.declared) and outcome.value is not None
        ]
    if errors:
        return ReadInputs({}, errors)
    values: dict[str, Any] = {}
    for outcome in outcomes:
        if outcome.enabled:
            value = outcome.value
            if encrypt is not None and _is_secret(outcome.declared):
                value = _encrypted(value, encrypt)
            _put(values, outcome.declared.id, value)
    for address, upload in asked.planned:
        store_file(address, upload)
    return ReadInputs(values, [])


def validate_inputs(
    declared: Sequence[Input],
    given: Mapping[str, Any],
    *,
    files: Mapping[str, Upload],
    renderer: InputRenderer,
    can_encrypt: bool,
    file_address: Callable[[FileInput, Upload], str],
) -> list[dict[str, Any]]:
    """``inputs`` of the answer of ``…/validate``: each input with value, enabled and errors. Stores nothing.

    Unlike at a start, a condition that cannot be rendered is an error here. A secret is shown as ``********``.
    """
    asked = _Reading(declared, given, files, renderer, file_address)
    shown = []
    for outcome in map(asked.read, [one.id for one in declared]):
        hidden = _is_secret(outcome.declared) and outcome.value is not None
        errors = [problem for problem in (outcome.condition_error, outcome.error) if problem is not None]
        if hidden and not can_encrypt:
            errors.append(outcome.declared.invalid(NOT_ENCRYPTED, MASK))
        shown.append(
            {
                "input": outcome.declared.to_json(),
                "value": MASK if hidden else outcome.value,
                "enabled": outcome.enabled,
                "errors": [{"message": str(problem)} for problem in errors],
            }
        )
    return shown


@dataclass(frozen=True, slots=True)
class _Outcome:
    """``declared`` offers the computed values of its expression; ``value`` is typed and in clear."""

    declared: Input
    enabled: bool = True
    value: Any = None
    error: InvalidInput | None = None
    condition_error: InvalidInput | None = None


@dataclass(slots=True)
class _Reading:
    """One pass over the inputs of a flow; an input is read after those it depends on, and once."""

    declared: Sequence[Input]
    given: Mapping[str, Any]
    files: Mapping[str, Upload]
    renderer: InputRenderer
    file_address: Callable[[FileInput, Upload], str]
    planned: list[tuple[str, Upload]] = field(default_factory=list)
    _by_id: dict[str, Input] = field(init=False)
    _done: dict[str, _Outcome] = field(default_factory=dict)
    _under_way: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._by_id = {one.id: one for one in self.declared}

    def read(self, input_id: str) -> _Outcome:
        if input_id not in self._done:
            self._under_way.append(input_id)
            self._done[input_id] = self._read_now(self._by_id[input_id])
            self._under_way.pop()
        return self._done[input_id]

    def _read_now(self, declared: Input) -> _Outcome:
        received = self._received(declared)
        needs = self._needs_of(declared)
        circle = [name for name in needs if name in self._under_way]
        if circle:
            # Refused when a flow is saved; a flow of an older release may still hold one.
            problem = declared.invalid(f"it depends on itself through `{circle[0]}`", received)
            return _Outcome(declared, enabled=False, condition_error=problem)
        inputs = self._known_inputs(needs)
        if inputs is None:
            return _Outcome(declared, enabled=False)
        condition = declared.depends_on.condition if declared.depends_on is not None else None
        if condition is not None:
            try:
                if self.renderer.render_typed(condition, inputs) is not True:
                    return _Outcome(declared, enabled=False)
            except ExpressionError as error:
                problem = declared.invalid(f"Cannot render 'dependsOn.condition'. Cause: {error}", received)
                return _Outcome(declared, enabled=False, condition_error=problem)
        return self._read_enabled(declared, received, inputs)

    def _read_enabled(self, declared: Input, received: Any, inputs: Mapping[str, Any]) -> _Outcome:
        try:
            declared = self._with_values(declared, inputs, received)
            upload = self.files.get(declared.id)
            if isinstance(declared, FileInput) and upload is not None:
                return _Outcome(declared, value=self._plan(declared, upload))
            value = received if received is not None else self._default(declared, inputs)
            if value is not None:
                return _Outcome(declared, value=declared.parse(value))
        except InvalidInput as problem:
            return _Outcome(declared, error=problem)
        if declared.required:
            return _Outcome(declared, error=declared.invalid(MISSING, None))
        return _Outcome(declared)

    def _needs_of(self, declared: Input) -> list[str]:
        return declared.depends_on.inputs if declared.depends_on is not None else []

    def _known_inputs(self, needs: Sequence[str]) -> dict[str, Any] | None:
        """The inputs needed, and those these need, as expressions see them; None when one of them is not enabled."""
        known: dict[str, Any] = {}
        waiting = list(needs)
        seen: set[str] = set()
        while waiting:
            name = waiting.pop()
            if name in seen:
                continue
            seen.add(name)
            if name not in self._by_id or not (outcome := self.read(name)).enabled:
                return None
            if outcome.error is None:
                _put(known, name, outcome.value)
            waiting += self._needs_of(outcome.declared)
        return known

    def _received(self, declared: Input) -> Any:
        if declared.id in self.given:
            return self.given[declared.id]
        found: Any = self.given
        for part in declared.id.split("."):
            if not isinstance(found, Mapping):
                return None
            found = found.get(part)
        return found

    def _with_values(self, declared: Input, inputs: Mapping[str, Any], received: Any) -> Input:
        if not isinstance(declared, SelectInput | MultiselectInput) or declared.expression is None:
            return declared
        try:
            offered = self.renderer.render_typed(declared.expression, inputs)
        except ExpressionError as error:
            raise declared.invalid(f"Cannot render 'expression'. Cause: {error}", received) from error
        if not isinstance(offered, list | tuple):
            reason = f"Invalid expression result. Expected a list of strings, but received {_type_word(offered)}"
            raise declared.invalid(reason, received)
        return declared.with_values(offered)

    def _default(self, declared: Input, inputs: Mapping[str, Any]) -> Any:
        if not is_expression(declared.defaults):
            return declared.defaults
        try:
            return self._render_tree(declared.defaults, inputs)
        except ExpressionError as error:
            raise declared.invalid(f"Cannot render 'defaults'. Cause: {error}", declared.defaults) from error

    def _render_tree(self, value: Any, inputs: Mapping[str, Any]) -> Any:
        match value:
            case str():
                return self.renderer.render(value, inputs)
            case list():
                return [self._render_tree(item, inputs) for item in value]
            case dict():
                return {self._render_tree(key, inputs): self._render_tree(item, inputs) for key, item in value.items()}
        return value

    def _plan(self, declared: FileInput, upload: Upload) -> str:
        if not upload.size:
            raise declared.invalid(f"Can't upload file: {declared.id}", upload.name)
        address = self.file_address(declared, upload)
        self.planned.append((address, upload))
        return address


def _is_secret(declared: Input) -> bool:
    if isinstance(declared, ArrayInput | MultiselectInput):
        return declared.item_type is InputType.SECRET
    return declared.type is InputType.SECRET


def _encrypted(value: Any, encrypt: Callable[[str], str]) -> Any:
    match value:
        case None:
            return None
        case list():
            return [_encrypted(item, encrypt) for item in value]
    return {"type": ENCRYPTED, "value": encrypt(value)}


def _put(values: dict[str, Any], dotted: str, value: Any) -> None:
    """Set ``a.b`` in a tree of maps. Below a value that is no map the dotted id itself becomes the key."""
    *path, last = dotted.split(".")
    place = values
    for part in path:
        inner = place.setdefault(part, {})
        if not isinstance(inner, dict):
            values[dotted] = value
            return
        place = inner
    place[last] = value


def _type_word(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a text"
        case Mapping():
            return "a map"
    return type(value).__name__
