"""Settings of a namespace, and what it inherits."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request

from apps.accounts.selectors import current_user
from apps.common.access import access, member
from apps.common.api import read_body
from apps.common.errors import IllegalArgument, NotFound
from apps.isolation.catalog import Kind
from apps.isolation.schemas import ConnectionBody
from apps.isolation.services import check_connection, clear_choice, save_choice
from apps.namespaces.models import Namespace
from apps.namespaces.schemas import InheritedDefault, NamespaceBody, NamespaceShape
from apps.namespaces.selectors import get_namespace, inherited
from apps.namespaces.services import create_namespace, update_namespace
from apps.rbac.decisions import check_can

PERMISSION = "NAMESPACE"


@member
def post_namespace(request: Request) -> NamespaceShape:
    """Create the settings of a namespace (needs CREATE there). 409 when it was created before."""
    body = read_body(request, NamespaceBody)
    check_can(request.user, PERMISSION, "CREATE", body.id)
    row = create_namespace(acting_user=current_user(request), namespace=body.id, settings=body.settings())
    _choose_backends(request, body)
    return NamespaceShape.of(row)


@access(PERMISSION, "READ")
def show_namespace(request: Request, namespace: str) -> NamespaceShape:
    """Its own settings, credentials of its backends hidden. 404 when it was never created."""
    return NamespaceShape.of(get_namespace(namespace))


@access(PERMISSION, "UPDATE")
def put_namespace(request: Request, namespace: str) -> NamespaceShape:
    """Its new settings, all of them; one that only occurs in flows is created (needs CREATE).

    `storageType`, `secretType`: left out they stay, null takes the choice back. No file or secret is moved.
    """
    body = read_body(request, NamespaceBody)
    if body.id != namespace:
        raise IllegalArgument(f"The id of a namespace never changes: '{namespace}' cannot become '{body.id[:150]}'.")
    acting_user = current_user(request)
    if Namespace.objects.filter(pk=namespace).exists():
        row = update_namespace(acting_user=acting_user, namespace=namespace, settings=body.settings())
    else:
        check_can(request.user, PERMISSION, "CREATE", namespace)
        row = create_namespace(acting_user=acting_user, namespace=namespace, settings=body.settings())
    _choose_backends(request, body)
    return NamespaceShape.of(row)


@access(PERMISSION, "READ")
def show_inherited_variables(request: Request, namespace: str) -> dict[str, Any]:
    """Parent → its variables, nearest first."""
    return {source: values for source, values in inherited(namespace).variables if source != namespace}


@access(PERMISSION, "READ")
def show_inherited_defaults(request: Request, namespace: str) -> list[InheritedDefault]:
    """Plugin defaults of the parents, nearest first, each with the namespace that gives it."""
    return [
        InheritedDefault(namespace=source, **entry)
        for source, entries in inherited(namespace).plugin_defaults
        if source != namespace
        for entry in entries
    ]


@access(PERMISSION, "UPDATE")
def test_namespace_connection(request: Request, namespace: str, kind: str) -> None:
    """Try a storage or secret backend: a real write, read and delete; nothing is saved. 422 tells what failed."""
    body = read_body(request, ConnectionBody)
    try:
        known = Kind(kind)
    except ValueError as error:
        raise NotFound(f"There is 'storage' and 'secret', but no '{kind[:60]}'.") from error
    check_connection(
        acting_user=current_user(request),
        kind=known,
        namespace=namespace,
        type_name=body.type,
        configuration=body.configuration,
    )


def _choose_backends(request: Request, body: NamespaceBody) -> None:
    for kind, type_name, configuration in body.given():
        if type_name is None:
            clear_choice(acting_user=current_user(request), kind=kind, namespace=body.id)
        else:
            save_choice(
                acting_user=current_user(request),
                kind=kind,
                namespace=body.id,
                type_name=type_name,
                configuration=configuration,
            )
