"""Several flows at once: a namespace from a text of many flows, archives in and out, enable, disable and delete."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from django.db import transaction

from apps.audit.services import Actor
from apps.common.errors import IllegalArgument, Invalid, Problem
from apps.workflows.flow_language.source import split_flows
from apps.workflows.selectors.flows import FlowRow, find_flows, not_deleted, search_flows
from apps.workflows.services.flows import check_source, create_flow, delete_flow, set_flow_disabled, update_flow

MAX_FLOWS: Final = 1000
"""Most flows that are written at once."""
MAX_ARCHIVE_BYTES: Final = 50 * 1024 * 1024
FlowKey = tuple[str, str]


@dataclass(frozen=True, slots=True)
class CheckedSource:
    """A source that may be saved, and what it calls itself."""

    namespace: str
    flow_id: str
    source: str

    @property
    def key(self) -> FlowKey:
        return self.namespace, self.flow_id


def read_sources(texts: Iterable[str]) -> list[CheckedSource]:
    """The flows of texts that hold one or more each. Invalid, with every problem of every flow, or for a name twice."""
    found: list[CheckedSource] = []
    problems: list[Problem] = []
    seen: set[FlowKey] = set()
    for index, part in enumerate(part for text in texts for part in split_flows(text)):
        if index >= MAX_FLOWS:
            raise IllegalArgument(f"At most {MAX_FLOWS} flows can be saved at once.")
        try:
            definition = check_source(part.lstrip("\r\n"))
        except Invalid as error:
            problems += [
                Problem(
                    problem.message,
                    f"flows[{index}]" + (f".{problem.path}" if problem.path else ""),
                    problem.line,
                    problem.column,
                )
                for problem in error.problems
            ]
            continue
        one = CheckedSource(definition.namespace, definition.id, part.lstrip("\r\n"))
        if one.key in seen:
            problems.append(Problem(f"Duplicate flow {one.namespace}.{one.flow_id}", f"flows[{index}].id"))
        seen.add(one.key)
        found.append(one)
    if problems:
        raise Invalid(problems=problems)
    return found


def save_flows(
    *, acting_user: Actor | None, sources: Sequence[CheckedSource], delete_in: Iterable[str] = ()
) -> list[FlowRow]:
    """Create or update all of them in one transaction; answers them in the same order.

    Flows of the namespaces ``delete_in`` that are not among them are deleted. Invalid: nothing is changed then.
    """
    keys = [source.key for source in sources]
    with transaction.atomic():
        present = {(flow.namespace, flow.flow_id) for flow in find_flows(keys)}
        for source in sorted(sources, key=lambda one: one.key):  # one order for all, so that two calls cannot deadlock
            if source.key in present:
                update_flow(
                    acting_user=acting_user, namespace=source.namespace, flow_id=source.flow_id, source=source.source
                )
            else:
                create_flow(acting_user=acting_user, source=source.source)
        for namespace in sorted(set(delete_in)):
            for key in sorted(set(list_keys(namespace)) - set(keys)):
                delete_flow(acting_user=acting_user, namespace=key[0], flow_id=key[1])
        saved = {(flow.namespace, flow.flow_id): flow for flow in find_flows(keys)}
    return [saved[key] for key in keys]


def list_keys(namespace: str) -> list[FlowKey]:
    """The flows of exactly this namespace. IllegalArgument when they are too many to be changed at once."""
    conditions = not_deleted()
    conditions.add("f.namespace = %s", namespace)
    rows, total = search_flows(conditions, order=(), offset=0, size=MAX_FLOWS)
    if total > MAX_FLOWS:
        raise IllegalArgument(f"{namespace} has more than {MAX_FLOWS} flows; change them in parts.")
    return [(row.namespace, row.flow_id) for row in rows]


def visible_flows(keys: Iterable[FlowKey]) -> list[FlowRow]:
    """The flows that are there, of these. IllegalArgument for too many."""
    wanted = list(keys)
    if len(wanted) > MAX_FLOWS:
        raise IllegalArgument(f"At most {MAX_FLOWS} flows can be named at once.")
    return find_flows(wanted)


def delete_flows(*, acting_user: Actor | None, flows: Sequence[FlowRow]) -> int:
    """Delete all of them in one transaction; answers how many."""
    return _each(
        flows, lambda flow: delete_flow(acting_user=acting_user, namespace=flow.namespace, flow_id=flow.flow_id)
    )


def set_flows_disabled(*, acting_user: Actor | None, flows: Sequence[FlowRow], disabled: bool) -> int:
    """Enable or disable all of them in one transaction; answers how many there were, changed or not."""
    return _each(
        flows,
        lambda flow: (
            None
            if flow.disabled == disabled
            else set_flow_disabled(
                acting_user=acting_user, namespace=flow.namespace, flow_id=flow.flow_id, disabled=disabled
            )
        ),
    )


def _each(flows: Sequence[FlowRow], write: Callable[[FlowRow], object]) -> int:
    with transaction.atomic():
        for flow in sorted(flows, key=lambda one: (one.namespace, one.flow_id)):
            write(flow)
    return len(flows)


def pack_flows(flows: Iterable[FlowRow]) -> bytes:
    """A zip archive with one ``<namespace>-<id>.yml`` per flow."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for flow in flows:
            archive.writestr(f"{flow.namespace}-{flow.flow_id}.yml", flow.source)
    return buffer.getvalue()


def unpack_flows(name: str, content: bytes) -> list[str]:
    """The texts of an upload: those of a zip's ``.yml`` and ``.yaml`` files, or the upload itself. Invalid."""
    try:
        if not (name.lower().endswith(".zip") or content.startswith(b"PK\x03\x04")):
            return [content.decode()]
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [info for info in archive.infolist() if info.filename.lower().endswith((".yml", ".yaml"))]
            if sum(info.file_size for info in members) > MAX_ARCHIVE_BYTES:
                raise Invalid(f"The flows of '{name}' are larger than {MAX_ARCHIVE_BYTES // 1024 // 1024} MiB.")
            return [archive.read(info).decode() for info in members]
    except (zipfile.BadZipFile, UnicodeDecodeError, RuntimeError) as error:
        raise Invalid(f"'{name}' is neither YAML nor a zip archive of YAML files: {error}.") from error
