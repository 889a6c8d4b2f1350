"""Choose a backend for a namespace or a tenant, take the choice back, try a connection."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from django.db import transaction

from apps.audit.services import Actor, record
from apps.common.current_tenant import require_tenant
from apps.common.errors import Forbidden, IllegalArgument, ProductError
from apps.common.ids import new_id
from apps.common.namespace_paths import is_namespace
from apps.encryption.services import decrypt, encrypt
from apps.isolation.catalog import (
    HIDDEN,
    BackendConfig,
    Kind,
    make_backend,
    plain,
    read_configuration,
    where_it_goes,
    with_kept,
)
from apps.isolation.models import WHOLE_TENANT, BackendChoice, FormerChoice

AUDIT_RESOURCE: Final = "Isolation"


class ConnectionFailed(IllegalArgument):
    """The backend could not be written, read or emptied as configured."""


def save_choice(
    *, acting_user: Actor | None, kind: Kind, namespace: str, type_name: str, configuration: Mapping[str, Any]
) -> BackendChoice:
    """The backend of a namespace (WHOLE_TENANT: of the tenant) from now on, after a real write, read and delete.

    Nothing is moved: what lies in the backend before stays there and is found again when the choice is taken back.
    ``********`` keeps a stored credential, as long as the connection goes where it went. BackendMisconfigured,
    ConnectionFailed; Forbidden for a backend on the machine's own disk or credentials, unless a super admin chooses
    it. A choice that is as it was is not tried again.
    """
    config = _allowed(acting_user, kind, namespace, type_name, configuration)
    clear = json.dumps(plain(config, reveal=True), sort_keys=True)
    row = BackendChoice.objects.filter(kind=kind, namespace=namespace).first()
    if row is not None and row.type == type_name and decrypt(row.configuration) == clear:
        return row
    # Outside the transaction: a cloud may be slow, and a lock must not wait for it.
    probe(kind, type_name, config)
    with transaction.atomic():
        row = BackendChoice.objects.select_for_update().filter(kind=kind, namespace=namespace).first()
        before = None if row is None else _audited(row)
        if row is None or _lies_elsewhere(row, type_name, config):
            _remember(kind, namespace, row)
        row = row or BackendChoice(kind=kind, namespace=namespace)
        row.type, row.configuration, row.version = type_name, encrypt(clear), new_id()
        row.save()
        _record(acting_user, row, before=before, after=_audited(row))
    return row


def clear_choice(*, acting_user: Actor | None, kind: Kind, namespace: str) -> bool:
    """The parent's, the tenant's or the instance's backend holds again; False when there was no choice."""
    with transaction.atomic():
        row = BackendChoice.objects.select_for_update().filter(kind=kind, namespace=namespace).first()
        if row is None:
            return False
        _record(acting_user, row, before=_audited(row), after=None)
        _remember(kind, namespace, row)
        row.delete()
    return True


def check_connection(
    *, acting_user: Actor | None, kind: Kind, namespace: str, type_name: str, configuration: Mapping[str, Any]
) -> None:
    """What `save_choice` would check, without saving. Errors as there."""
    probe(kind, type_name, _allowed(acting_user, kind, namespace, type_name, configuration))


def probe(kind: Kind, type_name: str, config: BackendConfig) -> None:
    """A real write, read and delete in the open tenant's place. ConnectionFailed."""
    tenant_id = require_tenant("A connection test")
    try:
        make_backend(kind, type_name, plain(config, reveal=True)).probe(tenant_id)
    except ProductError as error:
        raise ConnectionFailed(f"The connection failed: {error.message}") from error


def _allowed(
    acting_user: Actor | None, kind: Kind, namespace: str, type_name: str, configuration: Mapping[str, Any]
) -> BackendConfig:
    if namespace != WHOLE_TENANT and not is_namespace(namespace):
        raise IllegalArgument(f"'{namespace[:200]}' is no namespace.")
    row = BackendChoice.objects.filter(kind=kind, namespace=namespace, type=type_name).first()
    stored = {} if row is None else json.loads(decrypt(row.configuration))
    wanted, kept = with_kept(configuration, stored)
    config = read_configuration(kind, type_name, wanted)
    if HIDDEN in json.dumps(plain(config, reveal=True)):
        raise IllegalArgument(f"'{HIDDEN}' stands for a stored credential, and there is none: give it again.")
    if kept and where_it_goes(config) != where_it_goes(read_configuration(kind, type_name, stored)):
        raise IllegalArgument("Give the credentials again: they are kept only while the connection goes where it went.")
    used = config.host_access()
    if used and acting_user is not None and not getattr(acting_user, "is_super_admin", False):
        raise Forbidden(f"This would use {used}: only a super admin may choose it. Give credentials of your own.")
    return config


def _lies_elsewhere(row: BackendChoice, type_name: str, config: BackendConfig) -> bool:
    if row.type != type_name:
        return True
    held = read_configuration(Kind(row.kind), row.type, json.loads(decrypt(row.configuration)))
    return where_it_goes(held) != where_it_goes(config)


def _remember(kind: Kind, namespace: str, row: BackendChoice | None) -> None:
    """What lies there stays; it can be copied from there."""
    before = {"type": "", "configuration": "", "version": new_id()}
    if row is not None:
        before = {"type": row.type, "configuration": row.configuration, "version": row.version}
    FormerChoice.objects.update_or_create(kind=kind, namespace=namespace, defaults=before)


def _audited(row: BackendChoice) -> dict[str, Any]:
    held = json.loads(decrypt(row.configuration))
    return {"type": row.type, "configuration": plain(read_configuration(Kind(row.kind), row.type, held), reveal=False)}


def _record(
    acting_user: Actor | None, row: BackendChoice, *, before: dict[str, Any] | None, after: dict[str, Any] | None
) -> None:
    action = "CREATE" if before is None else "UPDATE" if after is not None else "DELETE"
    record(
        acting_user=acting_user,
        action=action,
        resource=AUDIT_RESOURCE,
        detail={"namespace": row.namespace, "kind": row.kind, "type": row.type},
        before=before,
        after=after,
        permission="NAMESPACE" if row.namespace else "TENANT",
    )
