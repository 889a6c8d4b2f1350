"""Writing Apps: each effective change is a new revision."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from typing import Any, Final

from django.db import IntegrityError, transaction

from apps.audit.services import Actor, record
from apps.common.clock import now as read_clock
from apps.common.errors import IllegalState, Invalid, NotFound, Problem
from apps.common.ids import ALPHABET, LENGTH
from apps.userapps.language.definition import AccessType, AppDefinition
from apps.userapps.language.source import parse_app
from apps.userapps.models import AppRevision, UserApp
from apps.workflows.flow_language.violations import InvalidFlow

RESOURCE: Final = "App"
PERMISSION: Final = "APP"
_HOST: Final = re.compile(r"(?:\*\.)?[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::\d{1,5})?")


@dataclass(frozen=True, slots=True)
class SavedApp:
    """An App as it was saved. ``changed`` is false when the source was the same: then nothing was written."""

    app: UserApp
    definition: AppDefinition
    changed: bool


def check_app_source(source: str) -> AppDefinition:
    """The definition of a source that may be saved. Invalid, with every problem and its place, when it may not."""
    try:
        return parse_app(source)
    except InvalidFlow as error:
        problems = [
            Problem(violation.message, violation.path, violation.line or None, violation.column or None)
            for violation in error.violations
        ]
        raise Invalid(problems=problems) from error


def new_uid() -> str:
    """22 random characters: 131 bits, so that a link cannot be guessed; nothing in it tells the time."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def create_app(*, acting_user: Actor | None, source: str) -> SavedApp:
    """Save a new App. Invalid; IllegalState when the namespace has one of this id."""
    definition = check_app_source(source)
    app = UserApp(uid=new_uid(), namespace=definition.namespace, app_id=definition.id)
    try:
        with transaction.atomic():
            _write(app, definition, source, acting_user)
            _audit(acting_user, "CREATE", app, None)
    except IntegrityError as error:
        message = f"The namespace {definition.namespace} has an App {definition.id} already; choose another id"
        raise IllegalState(message) from error
    return SavedApp(app, definition, True)


def update_app(*, acting_user: Actor | None, uid: str, source: str) -> SavedApp:
    """Save an App's next revision; the same source keeps the present one. NotFound, Invalid (also for another id)."""
    definition = check_app_source(source)
    with transaction.atomic():
        app = _locked(uid)
        if definition.id != app.app_id or definition.namespace != app.namespace:
            path = "id" if definition.id != app.app_id else "namespace"
            message = f"An App keeps its id and namespace: this one is {app.namespace}.{app.app_id}"
            raise Invalid(problems=[Problem(message, path)])
        if app.source == source:
            return SavedApp(app, definition, False)
        before = _state(app)
        _write(app, definition, source, acting_user)
        _audit(acting_user, "UPDATE", app, before)
    return SavedApp(app, definition, True)


def delete_app(*, acting_user: Actor | None, uid: str) -> None:
    """Delete an App with its revisions and statistics; what was started through it stays. NotFound."""
    with transaction.atomic():
        app = _locked(uid)
        before = _state(app)
        app.delete()
        _audit(acting_user, "DELETE", app, before)


def set_app_disabled(*, acting_user: Actor | None, uid: str, disabled: bool) -> UserApp:
    """Enable or disable an App by writing ``disabled:`` into its source, as a new revision. NotFound."""
    app = UserApp.objects.filter(uid=uid).first()
    if app is None:
        raise _missing(uid)
    source = re.sub(r"(?m)^disabled:.*\n?", "", app.source).rstrip("\n") + "\n"
    if disabled:
        source += "disabled: true\n"
    return update_app(acting_user=acting_user, uid=uid, source=source).app


def duplicate_app(*, acting_user: Actor | None, uid: str) -> UserApp:
    """Save a copy of an App under the next free id: refund, refund_2, … NotFound."""
    app = UserApp.objects.filter(uid=uid).first()
    if app is None:
        raise _missing(uid)
    stem = re.sub(r"_\d+$", "", app.app_id)[:90]
    taken = set(UserApp.objects.filter(namespace=app.namespace).values_list("app_id", flat=True))
    number = next(number for number in range(2, len(taken) + 3) if f"{stem}_{number}" not in taken)
    source = re.sub(r"(?m)^id:.*$", f"id: {stem}_{number}", app.source, count=1)
    return create_app(acting_user=acting_user, source=source).app


def renew_link(*, acting_user: Actor | None, uid: str) -> UserApp:
    """Give the App another link; the old one leads nowhere from then on. NotFound."""
    with transaction.atomic():
        app = _locked(uid)
        app.uid = new_uid()
        app.save(update_fields=["uid"])
        detail = {"namespace": app.namespace, "appId": app.app_id, "action": "new link"}
        record(acting_user=acting_user, action="UPDATE", resource=RESOURCE, detail=detail, permission=PERMISSION)
    return app


def set_embed_hosts(*, acting_user: Actor | None, uid: str, hosts: list[str]) -> UserApp:
    """Name the hosts whose pages may show the App in a frame: ``intra.example.com``, ``*.example.com``. NotFound;
    Invalid for what is no host."""
    cleaned = list(dict.fromkeys(host.strip().lower() for host in hosts if host.strip()))
    wrong = [host for host in cleaned if not _HOST.fullmatch(host)]
    if wrong:
        message = f"'{wrong[0][:100]}' is no host; write it as intra.example.com, without https:// and path"
        raise Invalid(problems=[Problem(message, "embedHosts")])
    with transaction.atomic():
        app = _locked(uid)
        before = {"embedHosts": app.embed_hosts}
        app.embed_hosts = cleaned
        app.save(update_fields=["embed_hosts"])
        record(
            acting_user=acting_user,
            action="UPDATE",
            resource=RESOURCE,
            detail={"namespace": app.namespace, "appId": app.app_id},
            before=before,
            after={"embedHosts": cleaned},
            permission=PERMISSION,
        )
    return app


def _locked(uid: str) -> UserApp:
    app = UserApp.objects.select_for_update().filter(uid=uid).first()
    if app is None:
        raise _missing(uid)
    return app


def _missing(uid: str) -> NotFound:
    return NotFound(f"There is no App '{uid[:60]}'; its link may have been renewed")


def _write(app: UserApp, definition: AppDefinition, source: str, acting_user: Actor | None) -> None:
    app.display_name = definition.display_name
    app.description = definition.description or ""
    app.flow_id = definition.flow_id or ""
    app.is_public = definition.access.type is AccessType.PUBLIC
    app.groups = definition.access.groups
    app.in_catalog = definition.access.catalog
    app.opens = definition.expiration.opens()
    app.closes = definition.expiration.closes()
    app.tags = definition.tags
    app.thumbnail = definition.thumbnail or ""
    app.disabled = definition.disabled
    app.revision += 1
    app.source = source
    app.save()
    AppRevision.objects.create(
        app=app,
        revision=app.revision,
        source=source,
        author_id="" if acting_user is None else str(acting_user.id),
        created=read_clock(),
    )


def _state(app: UserApp) -> dict[str, Any]:
    return {"revision": app.revision, "source": app.source}


def _audit(acting_user: Actor | None, action: str, app: UserApp, before: dict[str, Any] | None) -> None:
    record(
        acting_user=acting_user,
        action=action,
        resource=RESOURCE,
        detail={"namespace": app.namespace, "appId": app.app_id, "revision": app.revision},
        before=before,
        after=None if action == "DELETE" else _state(app),
        permission=PERMISSION,
    )
