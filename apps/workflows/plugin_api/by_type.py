"""The class of a plugin found by the ``type:`` that was written: the door behind AnyTask, AnyTrigger and the like."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationInfo
from pydantic_core import PydanticCustomError

from apps.workflows.plugin_api.errors import MissingLibrary
from apps.workflows.plugin_api.model import PluginModel
from apps.workflows.plugin_api.registry import is_registered, plugin_class


class ByType:
    """Turns a map into the plugin its ``type`` names.

    What was given as ``context`` to the outer ``model_validate`` (``by_name``, ``extra``) holds for the plugin too.
    Errors are of the kinds ``missing_type``, ``unknown_type``, ``wrong_type`` and ``missing_library``.
    """

    def __init__(self, base: type[PluginModel], noun: str) -> None:
        self.base = base
        self.noun = noun

    def __call__(self, value: Any, info: ValidationInfo) -> Any:
        if not isinstance(value, Mapping):
            return value
        type_name = value.get("type")
        if type_name is None or type_name == "":
            raise PydanticCustomError("missing_type", "must not be null")
        found = self._class_of(str(type_name))
        return found.model_validate(value, context=info.context, **(info.context or {}))

    def _class_of(self, type_name: str) -> type[PluginModel]:
        if not is_registered(type_name):
            # The nearest name is looked for by whoever shows the error: it costs more than all else here.
            raise PydanticCustomError("unknown_type", "Invalid type: {type_name}", {"type_name": type_name})
        try:
            found = plugin_class(type_name)
        except MissingLibrary as error:
            raise PydanticCustomError("missing_library", "{reason}", {"reason": str(error)}) from error
        if not issubclass(found, self.base):
            context = {"type_name": type_name, "noun": self.noun}
            raise PydanticCustomError("wrong_type", "Invalid type: {type_name} is not a {noun}", context)
        return found
