"""Files of executions that others were replayed from stay readable; nobody else's are. And who started what."""

from typing import Any

import pytest

from apps.storage.internal_storage import execution_address, open_storage
from apps.workflows.execution_store.claims import read_facts
from apps.workflows.models import Execution
from apps.workflows.services.execution_files import readable_address
from apps.workflows.services.executions import StartRequest, create_execution
from apps.workflows.services.restarting import replay_execution
from tests.support.flow_runner import FlowRunner, Ran
from tests.support.world import person

TWO = """
id: two
namespace: company.team
tasks:
  - {id: one, type: io.kestra.plugin.core.debug.Return, format: x}
  - {id: two, type: io.kestra.plugin.core.debug.Return, format: y}
"""


def file_of(execution_id: str) -> str:
    address = execution_address("company.team", "two", execution_id) + "/tasks/one/x/out.txt"
    open_storage().put(address, b"text")
    return address


def test_a_replay_reads_the_files_of_all_it_was_replayed_from(flows: FlowRunner) -> None:
    first = flows.run(TWO)
    chain = [first.execution_id]
    for _ in range(3):
        run = Ran(chain[-1]).run_of("two")
        chain.append(replay_execution(acting_user=None, execution_id=chain[-1], task_run_id=run.id))
        flows.finish(Ran(chain[-1]))
    facts = read_facts(chain[-1])
    assert facts is not None
    for forebear in chain:
        assert readable_address(facts, file_of(forebear)) == file_of(forebear)
    stranger = flows.run(TWO)
    with pytest.raises(PermissionError):
        readable_address(facts, file_of(stranger.execution_id))
    oldest = read_facts(chain[0])
    assert oldest is not None
    with pytest.raises(PermissionError):
        readable_address(oldest, file_of(chain[-1]))


def test_who_started_an_execution_is_a_label_where_it_is_wanted(flows: FlowRunner, settings: Any) -> None:
    namespace, flow_id = flows.save(TWO)
    alice, bob = person("alice"), person("bob")
    plain = create_execution(acting_user=alice, request=StartRequest(namespace, flow_id)).execution_id
    settings.KESTRA_USERNAME_LABEL = True
    named = create_execution(acting_user=alice, request=StartRequest(namespace, flow_id)).execution_id
    again = replay_execution(acting_user=bob, execution_id=named)
    assert [starter(name) for name in (plain, named, again)] == [None, "alice@example.com", "bob@example.com"]


def starter(execution_id: str) -> str | None:
    labels = {label["key"]: label["value"] for label in Execution.objects.get(pk=execution_id).labels}
    return labels.get("system.username")
