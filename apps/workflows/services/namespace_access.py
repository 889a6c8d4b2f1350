"""Which namespaces a flow may use beside its own: for KV pairs, files, executions, subflows."""

from __future__ import annotations

import re
from typing import Final

from django.conf import settings

from apps.common.current_tenant import require_tenant
from apps.common.errors import Invalid, Problem
from apps.namespaces.models import Namespace
from apps.namespaces.selectors import may_use
from apps.tenants.selectors import get_open_tenant

_NAMESPACE: Final = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_-]*(\.[a-zA-Z0-9][a-zA-Z0-9_-]*)*")


class NamespaceNotAllowed(PermissionError):
    """A flow may not use this namespace."""

    def __init__(self, namespace: str) -> None:
        super().__init__(f"Namespace {namespace} is not allowed.")


def check_namespace(namespace: str, *, used_by: str) -> str:
    """The namespace, when a flow of ``used_by`` may use it. NamespaceNotAllowed.

    Every namespace of the open tenant is allowed that does not itself say who may use it; none of another tenant can be
    named: schemas and storage are the tenant's own. What is no namespace at all is refused here, before it becomes part
    of an address. At most one query in five seconds for each namespace.
    """
    if namespace != used_by and not (_NAMESPACE.fullmatch(namespace) and may_use(namespace, used_by=used_by)):
        raise NamespaceNotAllowed(namespace)
    return namespace


def check_namespace_exists(namespace: str) -> None:
    """Invalid when flows are saved only in created namespaces and this one was not created.

    ``KESTRA_REQUIRE_EXISTING_NAMESPACE`` asks for it, or the tenant's own setting: one query then, none elsewhere.
    """
    required = (
        settings.KESTRA_REQUIRE_EXISTING_NAMESPACE or get_open_tenant(require_tenant()).require_existing_namespace
    )
    if required and not Namespace.objects.filter(pk=namespace).exists():
        raise Invalid(
            problems=[
                Problem(
                    f"The namespace '{namespace}' was not created; whoever may create namespaces does that first",
                    "flow.namespace",
                )
            ]
        )
