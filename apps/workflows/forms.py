"""The form that starts a flow: one field per declared input, and reading back what was typed."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict

from apps.common.errors import Problem
from apps.workflows.plugin_api.inputs import Input, InputType
from apps.workflows.plugin_api.labels import SYSTEM_PREFIX

PREFIX: Final = "inputs."
"""Field names are inputs.<id>, in a posted form and in the address of a prefilled page alike."""
LABELS: Final = "labels"
SCHEDULE: Final = "scheduleDate"
_STRUCTURED: Final = frozenset({InputType.JSON, InputType.YAML, InputType.ARRAY})
_CHOICES: Final = frozenset({InputType.SELECT, InputType.ENUM})
_WIDGETS: Final = {
    InputType.INT: "number",
    InputType.FLOAT: "number",
    InputType.DATE: "date",
    InputType.TIME: "time",
    InputType.DATETIME: "datetime-local",
    InputType.URI: "url",
    InputType.EMAIL: "email",
    InputType.SECRET: "password",
    InputType.FILE: "file",
    InputType.STRING: "text",
    InputType.DURATION: "text",
}
_LIMITS: Final = {"min": "min", "max": "max", "after": "min", "before": "max", "validator": "pattern"}


@dataclass(frozen=True)
class InputField:
    """One field as the template shows it. `kind` is the widget; `value` its text, `chosen` the picked options."""

    id: str
    type: str
    kind: str
    label: str
    help: str
    required: bool
    value: str = ""
    chosen: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    custom: bool = False
    errors: tuple[str, ...] = ()
    attributes: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return PREFIX + self.id

    @property
    def option_pairs(self) -> list[tuple[str, str]]:
        """(value, text) of each option."""
        return [(option, option) for option in self.options]

    @property
    def element_id(self) -> str:
        return "input-" + self.id.replace(".", "-")


@dataclass(frozen=True)
class Typed:
    """What was typed: input values by id as the services take them, uploads by id, labels, and the delayed start."""

    given: dict[str, Any]
    files: dict[str, Any]
    labels: list[tuple[str, str]]
    schedule_date: datetime | None
    problems: tuple[Problem, ...]
    labels_text: str = ""
    schedule_text: str = ""


def read_typed(
    declared: Sequence[Input],
    data: QueryDict,
    files: MultiValueDict[str, UploadedFile] | None = None,
    *,
    zone: str = "UTC",
    submitted: bool = True,
) -> Typed:
    """A posted form, or (not `submitted`) the address of a prefilled page, where an absent switch means nothing.

    What cannot be read at all is in `problems`, by the name of its field; values are checked by the services.
    """
    given: dict[str, Any] = {}
    uploads: dict[str, Any] = {}
    for one in declared:
        name = PREFIX + one.id
        upload = files.get(name) if files else None
        if isinstance(upload, UploadedFile):
            uploads[one.id] = upload
            continue
        value = _typed_value(one, data, name, zone, submitted)
        if value is not None:
            given[one.id] = value
    problems: list[Problem] = []
    labels = _read_labels(data.get(LABELS, ""), problems)
    schedule = _read_schedule(data.get(SCHEDULE, ""), zone, problems)
    return Typed(given, uploads, labels, schedule, tuple(problems), data.get(LABELS, ""), data.get(SCHEDULE, ""))


@dataclass(frozen=True)
class LabelRow:
    """A label as it was typed, and what is wrong with it."""

    key: str
    value: str
    error: str = ""


def read_label_rows(data: QueryDict, removable: Collection[str] = ()) -> list[LabelRow]:
    """The posted fields `key` and `value`, side by side; rows that are empty are left out, and so is one of a
    `removable` key whose value was emptied.
    """
    rows: list[LabelRow] = []
    for key, value in zip(data.getlist("key"), data.getlist("value"), strict=False):
        key, value = key.strip(), value.strip()
        if not value and (not key or key in removable):
            continue
        error = ""
        if not key or not value:
            error = "A label needs a key and a value."
        elif key.startswith(SYSTEM_PREFIX):
            error = f"Labels that begin with {SYSTEM_PREFIX} are set by the product alone. Choose another key."
        elif any(key == row.key for row in rows):
            error = f"The key {key} is there twice. Keep one of them."
        rows.append(LabelRow(key, value, error))
    return rows


def build_fields(
    checked: Sequence[Mapping[str, Any]],
    typed: Typed,
    problems: Sequence[Problem] = (),
    *,
    show_errors: bool,
    zone: str = "UTC",
) -> list[InputField]:
    """Fields of the inputs that are enabled. `checked` is what services.executions.check_inputs answers.

    A value that was typed is shown as it was typed; a secret is never shown again. Without `show_errors` only values
    that were given are complained about: an empty form is no mistake.
    """
    by_input: dict[str, list[str]] = {}
    for problem in problems:
        by_input.setdefault(problem.path, []).append(problem.message)
    fields = []
    for item in checked:
        if not item["enabled"] and not item["errors"]:
            continue
        declared = item["input"]
        own = by_input.get(declared["id"], [])
        if show_errors or declared["id"] in typed.given:
            own = own or [error["message"] for error in item["errors"]]
        fields.append(_field(declared, item["value"], typed, tuple(dict.fromkeys(own)), zone))
    return fields


def _field(declared: Mapping[str, Any], value: Any, typed: Typed, errors: tuple[str, ...], zone: str) -> InputField:
    kind = InputType(declared["type"])
    shown = typed.given.get(declared["id"], value)
    options = tuple(declared.get("values") or declared.get("options") or ())
    return InputField(
        id=declared["id"],
        type=kind.value,
        kind=_widget(kind, declared),
        label=declared.get("displayName") or declared["id"],
        help=declared.get("description") or "",
        required=declared.get("required", True),
        value="" if kind in {InputType.SECRET, InputType.FILE} else _as_text(kind, shown, zone),
        chosen=_chosen(kind, shown),
        options=options,
        custom=bool(declared.get("allowCustomValue")),
        errors=errors,
        attributes=_attributes(kind, declared),
    )


def _widget(kind: InputType, declared: Mapping[str, Any]) -> str:
    if kind is InputType.BOOLEAN:
        return "switch" if declared.get("required", True) else "tristate"
    if kind is InputType.MULTISELECT:
        return "checkboxes"
    if kind in _STRUCTURED:
        return "code"
    if kind in _CHOICES:
        if declared.get("isRadio"):
            return "radios"
        return "suggest" if declared.get("allowCustomValue") else "select"
    return _WIDGETS[kind]


def _attributes(kind: InputType, declared: Mapping[str, Any]) -> dict[str, str]:
    found = {
        html: str(declared[name]).removesuffix("Z") for name, html in _LIMITS.items() if declared.get(name) is not None
    }
    match kind:
        case InputType.INT:
            found["step"] = "1"
        case InputType.FLOAT:
            found["step"] = "any"
        case InputType.TIME | InputType.DATETIME:
            found["step"] = "1"
        case InputType.DURATION:
            return {"placeholder": "PT1H30M"}
        case InputType.SECRET:
            found["autocomplete"] = "off"
        case InputType.URI:
            found["placeholder"] = "https://…"
        case InputType.FILE if declared.get("extension") not in (None, ".upl"):
            found["accept"] = str(declared["extension"])
    return found


def _as_text(kind: InputType, value: Any, zone: str) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        is_instant = kind is InputType.DATETIME and value.endswith("Z")
        return _local(value, zone) if is_instant else value
    if isinstance(value, bool):
        return "true" if value else "false"
    if kind in _STRUCTURED or isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, indent=2)
    return str(value)


def _chosen(kind: InputType, value: Any) -> tuple[str, ...]:
    if kind is not InputType.MULTISELECT or not isinstance(value, list | tuple):
        return ()
    return tuple(str(item) for item in value)


def _typed_value(one: Input, data: QueryDict, name: str, zone: str, submitted: bool) -> Any:
    if one.type is InputType.MULTISELECT:
        picked = [value for value in data.getlist(name) if value != ""]
        own = [value.strip() for value in data.get(name + ".custom", "").split(",") if value.strip()]
        return [*picked, *own] or None
    if one.type is InputType.BOOLEAN and one.required and submitted:
        return data.get(name, "false")
    value = data.get(name, "")
    if value == "":
        return None
    return _instant(value, zone) if one.type is InputType.DATETIME else value.replace("\r\n", "\n")


def _instant(text: str, zone: str) -> str:
    """What a date-time field sends, in UTC; a text that is no date is passed on, for the service's own error."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    aware = moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone))
    return aware.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _local(text: str, zone: str) -> str:
    moment = datetime.fromisoformat(text).astimezone(ZoneInfo(zone))
    return moment.replace(tzinfo=None).isoformat(timespec="seconds")


def _read_labels(text: str, problems: list[Problem]) -> list[tuple[str, str]]:
    labels = []
    for part in text.replace("\n", ",").split(","):
        if not part.strip():
            continue
        key, colon, value = part.partition(":")
        if not colon or not key.strip() or not value.strip():
            problems.append(Problem(f"A label looks like key:value, not '{part.strip()[:60]}'.", LABELS))
        else:
            labels.append((key.strip(), value.strip()))
    return labels


def _read_schedule(text: str, zone: str, problems: list[Problem]) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        problems.append(Problem(f"'{text[:40]}' is no date and time.", SCHEDULE))
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone))
