"""Outputs too large for a row: a file of the task run in internal storage, and in the row a map that names it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, Final

from apps.storage.internal_storage import InvalidPath, open_storage
from apps.workflows.execution_store.claims import ExecutionFacts, read_facts
from apps.workflows.expressions.errors import Failure
from apps.workflows.selectors.task_runs import TaskRunRow
from apps.workflows.services.execution_files import readable_address

STORED: Final = "io.kestra.datatype:stored_outputs"
"""``type`` of the map that stands for outputs in a file."""
MOST_ROW_BYTES: Final = 1024 * 1024
"""JSON of one task run's outputs that a row holds; larger ones go to a file."""
MOST_BYTES: Final = 32 * 1024 * 1024
"""JSON of one task run's outputs, and of all that one answer of the API or one loop read as a whole brings back."""


def marker(uri: str, size: int) -> dict[str, Any]:
    """What stands in the row for outputs of that many bytes at an address."""
    return {"type": STORED, "uri": uri, "size": size}


def is_stored(outputs: Any) -> bool:
    """Whether these outputs only name the file that holds them."""
    return (
        isinstance(outputs, dict)
        and outputs.keys() == {"type", "uri", "size"}
        and outputs["type"] == STORED
        and isinstance(outputs["uri"], str)
    )


class StoredOutputs:
    """Opens outputs of one execution's task runs, each file once, ``MOST_BYTES`` in all.

    A task may write a marker by itself: it is opened only where the execution may read, which the task may too.
    """

    def __init__(self, facts: Callable[[], ExecutionFacts]) -> None:
        self._facts = facts
        self._opened: dict[str, Any] = {}
        self._bytes = 0

    def open(self, outputs: Any) -> Any:
        """The outputs themselves, from their file if they lie in one. Failure when it is gone or too much is read."""
        if not is_stored(outputs):
            return outputs
        uri = outputs["uri"]
        if uri not in self._opened:
            self._opened[uri] = json.loads(self._read(uri))
        return self._opened[uri]

    def _read(self, uri: str) -> bytes:
        try:
            with open_storage().open(readable_address(self._facts(), uri)) as stream:
                content = stream.read(MOST_BYTES - self._bytes + 1)
        except (PermissionError, FileNotFoundError, InvalidPath) as error:
            raise Failure(f"The outputs that lie in a file cannot be read: {error}") from error
        if len(content) > MOST_BYTES - self._bytes:
            raise Failure(f"More than {MOST_BYTES} bytes of outputs in files are read at once; name fewer of them.")
        self._bytes += len(content)
        return content


def with_outputs(execution_id: str, runs: Iterable[TaskRunRow]) -> list[TaskRunRow]:
    """Task runs with the outputs that lie in files, as far as ``MOST_BYTES`` reach; the others keep the marker, whose
    file can be fetched by its address. One query more when there are any.
    """
    found = list(runs)
    if not any(is_stored(run.outputs) for run in found):
        return found
    facts = read_facts(execution_id)
    if facts is None:
        return found
    stored = StoredOutputs(lambda: facts)
    answer = []
    for run in found:
        try:
            answer.append(replace(run, outputs=stored.open(run.outputs)))
        except Failure:
            answer.append(run)  # shown as what it is: outputs at an address
    return answer
