"""Writing templates: each effective change is a new revision, since executions keep the one they began with."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from apps.audit.services import Actor, record
from apps.common.clock import now as read_clock
from apps.common.errors import Invalid, NotFound, Problem
from apps.workflows.engine.compiled_flow import compile_flow
from apps.workflows.flow_language.flow import FlowDefinition
from apps.workflows.flow_language.template import parse_template
from apps.workflows.flow_language.violations import InvalidFlow
from apps.workflows.models import Template, TemplateRevision
from apps.workflows.services.definitions import layers_for
from apps.workflows.services.worker_groups import check_worker_groups


def check_template(source: str) -> FlowDefinition:
    """The tasks of a source that may be saved. Invalid, with every problem and its place, when it may not."""
    try:
        definition = parse_template(source, plugin_defaults=layers_for(source))
        compile_flow(definition)
        check_worker_groups(definition)
    except InvalidFlow as error:
        raise Invalid(
            problems=[Problem(one.message, one.path, one.line or None, one.column or None) for one in error.violations]
        ) from error
    except TypeError as error:
        raise Invalid(problems=[Problem(str(error), "tasks")]) from error
    return definition


def create_template(*, acting_user: Actor | None, source: str) -> Template:
    """Save a new template; a deleted one of that name comes back. Invalid, also for a name that is taken."""
    definition = check_template(source)
    with transaction.atomic():
        held = _locked(definition.namespace, definition.id)
        if held is not None and not held.deleted:
            raise Invalid(problems=[Problem("Template id already exists", "template.id")])
        try:
            with transaction.atomic():
                template = _write(held, definition, source, read_clock())
        except IntegrityError as error:
            raise Invalid(problems=[Problem("Template id already exists", "template.id")]) from error
        _audit(acting_user, "CREATE", template, None)
    return template


def update_template(*, acting_user: Actor | None, namespace: str, template_id: str, source: str) -> Template:
    """Save the next revision; the same source keeps the present one. Executions that have begun keep theirs.

    NotFound, Invalid.
    """
    definition = check_template(source)
    problems = []
    if definition.id != template_id:
        problems.append(Problem("Illegal template id update", "template.id"))
    if definition.namespace != namespace:
        problems.append(Problem("Illegal namespace update", "template.namespace"))
    if problems:
        raise Invalid(problems=problems)
    with transaction.atomic():
        held = _existing(namespace, template_id)
        if held.source == source:
            return held
        before = _values(held)
        template = _write(held, definition, source, read_clock())
        _audit(acting_user, "UPDATE", template, before)
    return template


def save_templates(
    *, acting_user: Actor | None, sources: Sequence[str], delete_in: str | None = None
) -> list[Template]:
    """Create or update several, all or none; the others of the namespace ``delete_in`` are deleted. Invalid."""
    saved = []
    with transaction.atomic():
        for source in sources:
            definition = check_template(source)
            held = _locked(definition.namespace, definition.id)
            if held is None or held.deleted:
                saved.append(create_template(acting_user=acting_user, source=source))
            else:
                name = {"namespace": definition.namespace, "template_id": definition.id}
                saved.append(update_template(acting_user=acting_user, source=source, **name))
        if delete_in is not None:
            kept = [template.pk for template in saved]
            others = Template.objects.filter(namespace=delete_in, deleted=False).exclude(pk__in=kept)
            for other in others.order_by("pk"):
                delete_template(acting_user=acting_user, namespace=delete_in, template_id=other.template_id)
    return saved


def delete_template(*, acting_user: Actor | None, namespace: str, template_id: str) -> None:
    """New executions do not find it any more; those that have begun go on with it. NotFound."""
    with transaction.atomic():
        held = _existing(namespace, template_id)
        before = _values(held)
        held.deleted, held.updated = True, read_clock()
        held.save(update_fields=["deleted", "updated"])
        _audit(acting_user, "DELETE", held, before)


def pack_templates(templates: Iterable[Template]) -> bytes:
    """A zip archive with one ``<namespace>-<id>.yml`` per template."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for template in templates:
            archive.writestr(f"{template.namespace}-{template.template_id}.yml", template.source)
    return buffer.getvalue()


def _locked(namespace: str, template_id: str) -> Template | None:
    return Template.objects.select_for_update().filter(namespace=namespace, template_id=template_id).first()


def _existing(namespace: str, template_id: str) -> Template:
    held = _locked(namespace, template_id)
    if held is None or held.deleted:
        raise NotFound(f"Template {namespace}.{template_id} not found")
    return held


def _write(held: Template | None, definition: FlowDefinition, source: str, now: datetime) -> Template:
    template = held or Template(namespace=definition.namespace, template_id=definition.id, revision=0, created=now)
    template.revision += 1
    template.description = definition.description or ""
    template.source = source
    template.deleted = False
    template.updated = now
    template.save()
    TemplateRevision.objects.create(template=template, revision=template.revision, source=source)
    return template


def _values(template: Template) -> dict[str, Any]:
    return {"revision": template.revision, "source": template.source}


def _audit(acting_user: Actor | None, action: str, template: Template, before: dict[str, Any] | None) -> None:
    record(
        acting_user=acting_user,
        action=action,
        resource="Template",
        detail={"namespace": template.namespace, "templateId": template.template_id, "revision": template.revision},
        before=before,
        after=None if template.deleted else _values(template),
        permission="TEMPLATE",
    )
