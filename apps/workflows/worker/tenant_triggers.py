"""The triggers of the tenant as a running task may reach them: the worker's ``plugin_api.triggers``."""

from __future__ import annotations

from apps.common.errors import NotFound
from apps.workflows.selectors.flow_sources import find_source
from apps.workflows.services.namespace_access import check_namespace
from apps.workflows.services.triggers import switch_trigger


class TenantTriggers:
    """For one task run of a flow of ``used_by``."""

    def __init__(self, used_by: str) -> None:
        self._used_by = used_by

    def switch(self, namespace: str, flow_id: str, trigger_id: str, *, enabled: bool) -> None:
        """Enable or disable a trigger."""
        check_namespace(namespace, used_by=self._used_by)
        source = find_source(namespace, flow_id)
        if source is None or source.deleted:
            raise LookupError(f"Unable to find flow {namespace}.{flow_id}")
        try:
            switch_trigger(
                acting_user=None, namespace=namespace, flow_id=flow_id, trigger_id=trigger_id, disabled=not enabled
            )
        except NotFound as error:
            raise LookupError(f"Unable to find trigger {trigger_id} for the flow {namespace}.{flow_id}") from error
