"""Filters from values to documents: JSON, YAML, Ion."""

from apps.workflows.expressions import ion_text, json_text, yaml_text
from apps.workflows.expressions.operation import Operation, filters


def to_json(value: object) -> object:
    """The value as JSON.

    Example: {{ {'a': [1, true]} | toJson }} → {"a":[1,true]}
    """
    return json_text.to_json(value)


def to_ion(value: object) -> object:
    """The value as Amazon Ion.

    Example: {{ {'a': [1, true]} | toIon }} → {a:[1,true]}
    """
    return ion_text.to_ion(value)


def yaml(value: object) -> object:
    """The value as YAML; use `indent` or `nindent` to place it within another document.

    Example: {{ {'a': [1, true]} | yaml }} → a:\\n - 1\\n - true\\n
    """
    return "null" if value is None else yaml_text.to_yaml(value)


FILTERS: dict[str, Operation] = filters(
    {"toJson": to_json, "json": to_json, "toIon": to_ion, "yaml": yaml}, sees_null=True
)
