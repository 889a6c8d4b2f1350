"""What expressions may ask of the product: KV pairs, files, secrets, the execution's error logs, the clock."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime

from apps.common.errors import ProductError
from apps.encryption.services import EncryptionError
from apps.namespaces.selectors import get_kv
from apps.secrets.services import find_secret
from apps.storage.internal_storage import InvalidPath, open_storage
from apps.workflows.execution_store.claims import ExecutionFacts
from apps.workflows.execution_store.json_text import stamp
from apps.workflows.expressions.environment import Functions
from apps.workflows.expressions.errors import Failure
from apps.workflows.selectors.logs import list_error_logs
from apps.workflows.services.execution_files import readable_address
from apps.workflows.services.namespace_access import check_namespace

READ_LIMIT = 10 * 1024 * 1024
"""Bytes that ``read()`` puts into a text; a larger file belongs to a task, not to an expression."""


class StoreFunctions(Functions):
    """The functions of one execution's expressions. ``masks`` is told each secret that is read."""

    def __init__(
        self, facts: ExecutionFacts, *, now: Callable[[], datetime], masks: Callable[[str], None] | None = None
    ) -> None:
        super().__init__()
        self._facts = facts
        self._now = now
        self._masks = masks

    def secret(
        self, key: str, namespace: str | None = None, subkey: str | None = None, error_on_missing: bool = True
    ) -> str | None:
        """The secret as the flow's namespace (or another that allows it) inherits it; with `subkey` one field of it."""
        try:
            place = check_namespace(namespace or self._facts.namespace, used_by=self._facts.namespace)
            value = find_secret(place, key)
        except (ProductError, EncryptionError, PermissionError) as error:
            raise Failure(str(error)) from error
        if value is None:
            return None
        # The whole is a secret too, although only a field was asked for.
        self.on_secret(value)
        return value if subkey is None else _field(value, key, subkey)

    def kv(self, key: str, namespace: str | None, error_on_missing: bool) -> object:
        """The typed value of a KV pair, None when there is none."""
        try:
            place = check_namespace(namespace or self._facts.namespace, used_by=self._facts.namespace)
        except PermissionError as error:
            raise Failure(str(error)) from error
        found = get_kv(place, key)
        return None if found is None else found.value

    def read(self, path: str) -> str:
        """A file of this execution (or of the one that started it), or a namespace file, as text."""
        try:
            with open_storage().open(readable_address(self._facts, path)) as stream:
                content = stream.read(READ_LIMIT + 1)
        except (PermissionError, FileNotFoundError, InvalidPath) as error:
            raise Failure(str(error)) from error
        if len(content) > READ_LIMIT:
            raise Failure(f"The file '{path}' is larger than {READ_LIMIT} bytes and cannot be read into an expression.")
        return content.decode("utf-8", "replace")

    def file_size(self, path: str) -> int:
        """Bytes of a file that ``read`` would find."""
        try:
            return open_storage().size(readable_address(self._facts, path))
        except (PermissionError, FileNotFoundError, InvalidPath) as error:
            raise Failure(str(error)) from error

    def error_logs(self) -> list[object]:
        """The ERROR lines of the execution."""
        return [
            {
                "taskId": line.task_id,
                "taskRunId": line.task_run_id,
                "message": line.message,
                "level": line.level.value,
                "timestamp": stamp(line.timestamp),
            }
            for line in list_error_logs(self._facts.id)
        ]

    def on_secret(self, value: str) -> None:
        """Hand it on to the log's mask."""
        if self._masks is not None:
            self._masks(value)

    def now(self) -> datetime:
        """The product's clock."""
        return self._now()


def _field(value: str, key: str, subkey: str) -> str | None:
    """A field of a secret that is a JSON object. Failure, whose text shows nothing of it."""
    try:
        held = json.loads(value)
    except ValueError:
        held = None
    if not isinstance(held, dict):
        raise Failure(f"The secret '{key}' is no JSON object, so it has no field '{subkey}'.")
    found = held.get(subkey)
    return found if found is None or isinstance(found, str) else json.dumps(found)
