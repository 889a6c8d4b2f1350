"""Backends by kind and type name, found by entry point; how their configuration is read, hidden and kept."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, ClassVar, Final, Protocol, cast

from pydantic import BaseModel, ConfigDict, SecretStr, TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel

from apps.common.errors import IllegalArgument

HIDDEN: Final = "********"
"""What stands for a credential in an answer; sent back it means the stored one."""


class Kind(StrEnum):
    """What is isolated."""

    STORAGE = "storage"
    SECRET = "secret"  # noqa: S105  a word, no credential

    @property
    def group(self) -> str:
        """The entry points of its backends."""
        return {"storage": "kestra.storages", "secret": "kestra.secrets"}[self.value]


class BackendMisconfigured(IllegalArgument):
    """There is no such type, or the configuration does not fit it; the text says which and what to change."""


class ConfigPart(BaseModel):
    """A group of settings within a configuration."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel, populate_by_name=True)


class BackendConfig(ConfigPart):
    """Base of a backend's configuration; forms are built from its schema, so each field has a title.

    ``harmless`` names the fields that do not say where a connection goes: only they may change while a stored
    credential is kept, or whoever may edit could have it sent to a server of his own.
    """

    harmless: ClassVar[frozenset[str]] = frozenset()

    def host_access(self) -> str:
        """What of the machine itself this would use (its disk, its credentials), in words; empty for nothing."""
        return ""


class Backend(Protocol):
    """What isolation knows of a backend of either kind."""

    config_class: ClassVar[type[BackendConfig]]

    def probe(self, tenant_id: str) -> None:
        """A real write, read and delete below the tenant's place; a ProductError says what failed."""
        ...


@cache
def backend_entries(kind: Kind) -> dict[str, EntryPoint]:
    """Type name (``local``, ``s3``, …) → entry point; a backend's module is imported when it is first used."""
    return {entry.name: entry for entry in entry_points(group=kind.group)}


def backend_class(kind: Kind, type_name: str) -> Any:
    """The class of a type. BackendMisconfigured when there is none, or a library it needs is missing."""
    entry = backend_entries(kind).get(type_name)
    if entry is None:
        known = ", ".join(sorted(backend_entries(kind))) or "none: install the package again"
        raise BackendMisconfigured(f"There is no {kind} type '{type_name[:60]}'; known are: {known}.")
    try:
        return entry.load()
    except ImportError as error:
        raise BackendMisconfigured(
            f"The {kind} type '{type_name}' needs a library that is not installed ({error.name}): install the extra "
            f"'{type_name}'."
        ) from error


def read_configuration(kind: Kind, type_name: str, configuration: Mapping[str, Any]) -> BackendConfig:
    """A configuration as its type's model. BackendMisconfigured, whose text shows no value."""
    config_class = backend_class(kind, type_name).config_class
    try:
        return cast("BackendConfig", config_class.model_validate(dict(configuration)))
    except ValidationError as error:
        # Without what was given: it may be a credential.
        wrong = "; ".join(
            f"{'.'.join(map(str, found['loc'])) or 'all of it'}: {found['msg']}"
            for found in error.errors(include_input=False, include_url=False, include_context=False)
        )
        raise BackendMisconfigured(f"The configuration of the {kind} type '{type_name}' is wrong: {wrong}") from None


def make_backend(kind: Kind, type_name: str, configuration: Mapping[str, Any]) -> Any:
    """A backend made from its configuration. BackendMisconfigured."""
    config = read_configuration(kind, type_name, configuration)
    try:
        return backend_class(kind, type_name)(config)
    except (ValueError, OSError) as error:
        raise BackendMisconfigured(
            f"The {kind} type '{type_name}' cannot be used as configured: {type(error).__name__}: {error}"
        ) from error


def plain(config: ConfigPart, *, reveal: bool) -> dict[str, Any]:
    """What was given, as JSON: credentials in clear for the one place that encrypts them, else hidden."""
    answer: dict[str, Any] = {}
    for name in config.model_fields_set:
        value = getattr(config, name)
        match value:
            case SecretStr():
                value = value.get_secret_value() if reveal else HIDDEN
            case ConfigPart():
                value = plain(value, reveal=reveal)
            case _:
                value = TypeAdapter(type(value)).dump_python(value, mode="json")
        if value is not None:
            answer[to_camel(name)] = value
    return dict(sorted(answer.items()))


def with_kept(given: Mapping[str, Any], stored: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
    """The given configuration, each HIDDEN in it replaced by what is stored there; and whether there was one."""
    answer: dict[str, Any] = {}
    any_kept = False
    for name, value in given.items():
        before = stored.get(name)
        if value == HIDDEN and isinstance(before, str):
            answer[name], any_kept = before, True
        elif isinstance(value, Mapping) and isinstance(before, Mapping):
            inner, kept = with_kept(value, before)
            answer[name], any_kept = inner, any_kept or kept
        else:
            answer[name] = value
    return answer, any_kept


def where_it_goes(config: BackendConfig) -> dict[str, Any]:
    """All that must stay as it is while stored credentials are kept."""
    harmless = {to_camel(name) for name in config.harmless}
    return {name: value for name, value in plain(config, reveal=False).items() if name not in harmless}
