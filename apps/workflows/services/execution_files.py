"""Which files of internal storage an execution may read, and where it keeps its own."""

from __future__ import annotations

from typing import Any, BinaryIO, cast

from apps.storage.internal_storage import (
    InternalStorage,
    execution_address,
    execution_id_of,
    input_address,
    is_below,
    namespace_file_address,
    open_storage,
)
from apps.workflows.execution_store.claims import ExecutionFacts
from apps.workflows.selectors.executions import list_forebears
from apps.workflows.services.inputs import Upload


def readable_address(facts: ExecutionFacts, path: str) -> str:
    """The address of a file that this execution's expressions and tasks may read.

    ``kestra:///…`` must lie under this execution, or under the one its trigger names; anything else is the path of a
    namespace file. PermissionError otherwise.
    """
    if not path.startswith("kestra://"):
        return namespace_file_address(facts.namespace, path)
    if any(is_below(path, folder) for folder in _own_folders(facts)) or _is_inherited(facts, path):
        return path
    raise PermissionError(f"Unable to read the file '{path}' as it didn't belong to the current execution")


def _is_inherited(facts: ExecutionFacts, path: str) -> bool:
    """Whether the file lies with an execution that this one was replayed from: it keeps the outputs of its tasks."""
    owner = execution_id_of(path)
    if owner is None or not is_below(path, execution_address(facts.namespace, facts.flow_id, owner)):
        return False
    return owner in list_forebears(facts.id)


def _own_folders(facts: ExecutionFacts) -> list[str]:
    folders = [execution_address(facts.namespace, facts.flow_id, facts.id)]
    if facts.original_id is not None and facts.original_id != facts.id:
        # A replay keeps the inputs and outputs that lie under the execution it was made from.
        folders.append(execution_address(facts.namespace, facts.flow_id, facts.original_id))
    variables: dict[str, Any] = (facts.trigger or {}).get("variables") or {}
    namespace, flow_id, execution_id = (variables.get(name) for name in ("namespace", "flowId", "executionId"))
    if namespace and flow_id and execution_id:
        folders.append(execution_address(str(namespace), str(flow_id), str(execution_id)))
    return folders


def new_input_address(namespace: str, flow_id: str, execution_id: str, input_id: str, extension: str) -> str:
    """Where an uploaded input will lie."""
    return input_address(namespace, flow_id, execution_id, input_id, extension)


def store_upload(address: str, upload: Upload) -> None:
    """Put an upload where its address says."""
    open_storage().put(address, cast(BinaryIO, upload))


def remove_execution_files(storage: InternalStorage, namespace: str, flow_id: str, execution_id: str) -> None:
    """Delete all files of an execution that is gone. The storage is opened by the caller, inside its tenant."""
    storage.delete_prefix(execution_address(namespace, flow_id, execution_id))
