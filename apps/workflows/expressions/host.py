"""What a text may ask of the world around it: secrets, stored values, files, the clock. The caller supplies it."""

from collections.abc import Callable
from datetime import UTC, datetime

from apps.workflows.expressions.errors import Failure

CALLBACKS = frozenset({"secret", "kv", "read", "file_size", "error_logs", "on_secret", "now"})


class Functions:
    """The callbacks of the host. Either subclass and override, or give them by name: `Functions(secret=my_secret)`.

    A callback may raise `LookupError` for what is not there, and `ExpressionError` or `Failure` with a message of its
    own; any other exception becomes an error that does not repeat its text. None is given where an argument is null.
    """

    def __init__(self, **callbacks: Callable[..., object]) -> None:
        unknown = callbacks.keys() - CALLBACKS
        if unknown:
            raise TypeError(f"Functions has no callback {', '.join(sorted(unknown))}")
        for name, callback in callbacks.items():
            setattr(self, name, callback)

    def secret(
        self, key: str, namespace: str | None = None, subkey: str | None = None, error_on_missing: bool = True
    ) -> str | None:
        """The value of a secret; None or LookupError when there is none."""
        raise Failure("The function 'secret' is not available here.")

    def kv(self, key: str, namespace: str | None, error_on_missing: bool) -> object:
        """The value of a key; None or LookupError when there is none. `namespace` is the flow's unless given."""
        raise Failure("The function 'kv' is not available here.")

    def read(self, path: str) -> str:
        """The content of a `kestra:///…` file (checked to belong to the execution) or of a namespace file."""
        raise Failure("The function 'read' is not available here.")

    def file_size(self, path: str) -> int:
        """The size in bytes of a file, found as `read` finds it."""
        raise Failure("The function 'fileSize' is not available here.")

    def error_logs(self) -> list[object]:
        """The errors logged so far by the execution."""
        raise Failure("The function 'errorLogs' is not available here.")

    def on_secret(self, value: str) -> None:
        """Told each secret that was read, so that it can be masked in logs."""

    def now(self) -> datetime:
        """The clock; an aware datetime."""
        return datetime.now(UTC)


NO_FUNCTIONS = Functions()
