"""Several Apps at once: archives in and out."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Sequence
from typing import Final

from django.db import transaction

from apps.audit.services import Actor, record
from apps.common.errors import IllegalArgument, Invalid, Problem
from apps.userapps.models import UserApp
from apps.userapps.services.apps import check_app_source, create_app, update_app
from apps.workflows.flow_language.source import split_flows

MOST_APPS: Final = 1000
MOST_BYTES: Final = 50 * 1024 * 1024
Sources = Sequence[tuple[str, str]]
"""(namespace, YAML) of each App."""


def read_app_sources(name: str, content: bytes) -> list[tuple[str, str]]:
    """The Apps of a YAML file, or of a zip of YAML files. Invalid, with the problems of all of them."""
    texts = _unpacked(content) if name.lower().endswith(".zip") else [content.decode("utf-8", "replace")]
    found: list[tuple[str, str]] = []
    problems: list[Problem] = []
    for index, part in enumerate(part for text in texts for part in split_flows(text)):
        if index >= MOST_APPS:
            raise IllegalArgument(f"At most {MOST_APPS} Apps can be imported at once.")
        source = part.lstrip("\r\n")
        try:
            found.append((check_app_source(source).namespace, source))
        except Invalid as error:
            problems += [
                Problem(one.message, f"apps[{index}]" + (f".{one.path}" if one.path else ""), one.line, one.column)
                for one in error.problems
            ]
    if problems:
        raise Invalid(problems=problems)
    return found


def import_apps(*, acting_user: Actor | None, sources: Sources) -> list[UserApp]:
    """Create or update all of them in one transaction."""
    saved = []
    with transaction.atomic():
        for _, source in sources:
            definition = check_app_source(source)
            known = UserApp.objects.filter(namespace=definition.namespace, app_id=definition.id).first()
            if known is None:
                saved.append(create_app(acting_user=acting_user, source=source).app)
            else:
                saved.append(update_app(acting_user=acting_user, uid=known.uid, source=source).app)
    return saved


def pack_apps(*, acting_user: Actor | None, apps: Iterable[UserApp]) -> bytes:
    """A zip with a file `{namespace}-{id}.yaml` for each App; audited."""
    buffer = io.BytesIO()
    names = []
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for app in apps:
            archive.writestr(f"{app.namespace}-{app.app_id}.yaml", app.source)
            names.append(f"{app.namespace}.{app.app_id}")
    record(
        acting_user=acting_user, action="EXPORT", resource="App", detail={"apps": names[:MOST_APPS]}, permission="APP"
    )
    return buffer.getvalue()


def _unpacked(content: bytes) -> list[str]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = [one for one in archive.infolist() if one.filename.lower().endswith((".yaml", ".yml"))]
            if sum(one.file_size for one in entries) > MOST_BYTES:
                raise IllegalArgument(f"The archive holds more than {MOST_BYTES // 1_000_000} MB.")
            return [archive.read(one).decode("utf-8", "replace") for one in entries]
    except zipfile.BadZipFile as error:
        raise IllegalArgument("The file is no zip archive.") from error
