"""What a running task may do with triggers: switch them on and off."""

from __future__ import annotations

from typing import Protocol


class Triggers(Protocol):
    """The triggers of the tenant, as far as a task may reach them."""

    def switch(self, namespace: str, flow_id: str, trigger_id: str, *, enabled: bool) -> None:
        """Enable or disable a trigger. LookupError when there is no such flow or trigger.

        A namespace other than the flow's must be allowed to it: else PermissionError ``Namespace X is not allowed.``
        """
        ...
