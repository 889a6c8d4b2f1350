"""Outputs too large for a row: a file of the task run or execution in internal storage; the row has a map naming it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, BinaryIO, Final

from apps.storage.internal_storage import InvalidPath, open_storage
from apps.workflows.execution_store.claims import ExecutionFacts, read_facts
from apps.workflows.execution_store.json_text import dump
from apps.workflows.expressions.errors import Failure
from apps.workflows.selectors.executions import ExecutionRow
from apps.workflows.selectors.task_runs import TaskRunRow
from apps.workflows.services.execution_files import readable_address

STORED: Final = "io.kestra.datatype:stored_outputs"
"""``type`` of the map that stands for outputs in a file."""
MOST_ROW_BYTES: Final = 1024 * 1024
"""JSON of the outputs of one task run or execution that a row holds; larger ones go to a file."""
MOST_BYTES: Final = 32 * 1024 * 1024
"""JSON of the outputs of one task run or execution, and of all that one answer of the API or one loop read as a whole
brings back."""


def marker(uri: str, size: int) -> dict[str, Any]:
    """What stands in the row for outputs of that many bytes at an address."""
    return {"type": STORED, "uri": uri, "size": size}


def stored_if_large(outputs: dict[str, Any], put: Callable[[bytes], str]) -> dict[str, Any]:
    """Outputs as a row holds them: themselves, or the marker of the file that ``put`` made of them and whose address
    it answers. ValueError when they are more than even a file may hold.
    """
    content = dump(outputs)
    # Escaped JSON is ASCII: its characters are its bytes.
    size = len(content)
    if size <= MOST_ROW_BYTES:
        return outputs
    if size > MOST_BYTES:
        raise ValueError(
            f"they are {size} bytes as JSON, more than {MOST_BYTES}; write them to a file in internal storage and give"
            " its address instead"
        )
    return marker(put(content.encode()), size)


def is_stored(outputs: Any) -> bool:
    """Whether these outputs only name the file that holds them."""
    return (
        isinstance(outputs, dict)
        and outputs.keys() == {"type", "uri", "size"}
        and outputs["type"] == STORED
        and isinstance(outputs["uri"], str)
    )


def _opened(facts: ExecutionFacts, uri: str) -> BinaryIO:
    try:
        return open_storage().open(readable_address(facts, uri))
    except (PermissionError, FileNotFoundError, InvalidPath) as error:
        raise Failure(f"The outputs that lie in a file cannot be read: {error}") from error


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
        with _opened(self._facts(), uri) as stream:
            content = stream.read(MOST_BYTES - self._bytes + 1)
        if len(content) > MOST_BYTES - self._bytes:
            raise Failure(f"More than {MOST_BYTES} bytes of outputs in files are read at once; name fewer of them.")
        self._bytes += len(content)
        return content


def read_beginning(execution_id: str, uri: str, most: int) -> str:
    """The first bytes of a file of outputs, as text. Failure as for ``StoredOutputs.open``."""
    facts = read_facts(execution_id)
    if facts is None:
        raise Failure(f"The execution {execution_id} was deleted meanwhile")
    with _opened(facts, uri) as stream:
        return stream.read(most).decode("utf-8", "replace")


def open_flow_outputs(execution_id: str, outputs: Any) -> Any:
    """The outputs of an execution out of their file, if they lie in one. Failure as for ``StoredOutputs.open``."""
    if not is_stored(outputs):
        return outputs
    facts = read_facts(execution_id)
    if facts is None:
        raise Failure(f"The execution {execution_id} was deleted meanwhile")
    return StoredOutputs(lambda: facts).open(outputs)


def with_flow_outputs(row: ExecutionRow) -> ExecutionRow:
    """An execution with its outputs out of their file; with the marker when they cannot be read."""
    try:
        return replace(row, outputs=open_flow_outputs(row.id, row.outputs))
    except Failure:
        return row  # shown as what it is: outputs at an address


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
