"""Outputs on a page: a tree, or, of those too large for a row, the file with its beginning and a link to all of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from django.urls import reverse

from apps.common.current_tenant import require_tenant
from apps.workflows.expressions.errors import Failure
from apps.workflows.services.stored_outputs import is_stored, read_beginning
from apps.workflows.views.value_tree import ValueNode, value_tree

PREVIEW_BYTES: Final = 4_000


@dataclass(frozen=True)
class StoredValues:
    """Outputs in a file. ``problem`` says why there is no preview."""

    name: str
    size: int
    url: str
    preview: str = ""
    cut: bool = False
    problem: str = ""


@dataclass(frozen=True)
class ShownOutputs:
    """Either ``nodes`` or ``stored``; both are empty when there are no outputs."""

    nodes: list[ValueNode]
    stored: StoredValues | None = None

    def __bool__(self) -> bool:
        return bool(self.nodes) or self.stored is not None


def show_outputs_of(execution_id: str, outputs: Any) -> ShownOutputs:
    """Outputs of an execution or of one of its task runs. Reads at most PREVIEW_BYTES of a file."""
    if not is_stored(outputs):
        return ShownOutputs(value_tree(outputs or {}))
    uri, size = outputs["uri"], outputs["size"]
    url = reverse("api:execution_file", kwargs={"tenant": require_tenant(), "execution_id": execution_id})
    found = {"name": uri.rsplit("/", 1)[-1], "size": size, "url": f"{url}?{urlencode({'path': uri})}"}
    try:
        beginning = read_beginning(execution_id, uri, PREVIEW_BYTES)
    except Failure as error:
        return ShownOutputs([], StoredValues(**found, problem=str(error)))
    return ShownOutputs([], StoredValues(**found, preview=beginning, cut=size > PREVIEW_BYTES))
