"""Saving flows: revisions, and two people at once."""

import pytest

from apps.audit.models import AuditEntry
from apps.common.errors import Invalid, NotFound
from apps.tenants.models import Tenant
from apps.workflows.models import Flow, FlowRevision
from apps.workflows.services.flows import RevisionMoved, create_flow, delete_flow, initials, update_flow

SOURCE = """id: hello
namespace: company.team
tasks:
  - id: say
    type: io.kestra.plugin.core.log.Log
    message: {message}
"""


def save(message: str, **expected: int) -> int:
    saved = update_flow(
        acting_user=None,
        namespace="company.team",
        flow_id="hello",
        source=SOURCE.format(message=message),
        expected_revision=expected.get("on"),
    )
    return saved.flow.revision


def test_each_change_is_a_revision_and_the_same_source_is_none(in_alpha: Tenant) -> None:
    create_flow(acting_user=None, source=SOURCE.format(message="one"))
    assert [save("one"), save("two"), save("two")] == [1, 2, 2]
    assert list(FlowRevision.objects.order_by("revision").values_list("revision", flat=True)) == [1, 2]
    assert [entry.type for entry in AuditEntry.objects.filter(resource="Flow").order_by("date")] == ["CREATE", "UPDATE"]


def test_of_two_who_change_the_same_revision_the_second_is_told(in_alpha: Tenant) -> None:
    create_flow(acting_user=None, source=SOURCE.format(message="one"))
    assert save("Alice's", on=1) == 2
    with pytest.raises(RevisionMoved, match="is at revision 2 by now"):
        save("Bob's", on=1)
    assert "Alice's" in Flow.objects.get().source


def test_deleted_flow_comes_back_with_its_next_revision(in_alpha: Tenant) -> None:
    create_flow(acting_user=None, source=SOURCE.format(message="one"))
    delete_flow(acting_user=None, namespace="company.team", flow_id="hello")
    with pytest.raises(NotFound):
        save("two")
    saved = create_flow(acting_user=None, source=SOURCE.format(message="two"))
    assert (saved.flow.revision, saved.flow.deleted) == (3, False)


def test_flow_that_exists_is_not_created_again(in_alpha: Tenant) -> None:
    create_flow(acting_user=None, source=SOURCE.format(message="one"))
    with pytest.raises(Invalid, match="already exists"):
        create_flow(acting_user=None, source=SOURCE.format(message="two"))
    assert Flow.objects.get().revision == 1


def test_broken_source_stores_nothing_and_names_its_place(in_alpha: Tenant) -> None:
    with pytest.raises(Invalid) as raised:
        create_flow(acting_user=None, source=SOURCE.format(message="x").replace("log.Log", "log.Logg"))
    problem = raised.value.problems[0]
    assert (problem.path, problem.line) == ("tasks[0].type", 5)
    assert "io.kestra.plugin.core.log.Log" in " ".join(found.message for found in raised.value.problems)
    assert not Flow.objects.exists()


def test_initials_are_what_people_type() -> None:
    assert initials("build_request-Temp.2") == "brt2"
