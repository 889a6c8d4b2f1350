"""The installed plugins over the API."""

from apps.workflows.plugin_api.registry import type_names
from tests.support.api_client import ApiClient

LOG = "io.kestra.plugin.core.log.Log"


def test_every_type_is_in_one_group(as_alice: ApiClient) -> None:
    groups = as_alice.get("/plugins").json()
    kinds = ("tasks", "triggers", "conditions", "taskRunners", "apps", "appBlocks", "aliases")
    listed = [name for group in groups for kind in kinds for name in group[kind]]
    assert sorted(listed) == type_names()
    assert LOG in next(group for group in groups if group["group"] == "io.kestra.plugin.core.log")["tasks"]
    assert as_alice.get("/plugins/groups/subgroups").json() == groups


def test_type_is_documented_by_any_of_its_names(as_alice: ApiClient) -> None:
    today, old = as_alice.get(f"/plugins/{LOG}").json(), as_alice.get("/plugins/io.kestra.core.tasks.log.Log").json()
    assert today == old
    assert "message" in today["schema"]["properties"]["properties"]
    assert today["markdown"].startswith("# Log\n")


def test_unknown_type_is_404_with_the_nearest_name(as_alice: ApiClient) -> None:
    answer = as_alice.get("/plugins/io.kestra.plugin.core.log.Lgo")
    assert answer.status_code == 404
    assert LOG in answer.json()["message"]


def test_schemas_for_editors(as_alice: ApiClient) -> None:
    flow = as_alice.get("/plugins/schemas/flow").json()
    assert "tasks" in flow["properties"]
    task = as_alice.get("/plugins/schemas/task").json()
    assert task["$ref"].removeprefix("#/definitions/") in task["definitions"]
    several = as_alice.get("/plugins/schemas/task", arrayOf="true").json()
    assert (several["type"], several["items"]) == ("array", {"$ref": task["$ref"]})
    assert as_alice.get("/plugins/schemas/nothing").status_code == 404


def test_inputs_are_documented(as_alice: ApiClient) -> None:
    kinds = [one["type"] for one in as_alice.get("/plugins/inputs").json()]
    assert {"STRING", "INT", "FILE", "SECRET", "SELECT"} <= set(kinds)
    for kind in kinds:
        assert as_alice.get(f"/plugins/inputs/{kind.lower()}").json()["schema"]["properties"]["properties"]
    assert as_alice.get("/plugins/inputs/nothing").status_code == 404


def test_stranger_and_nobody(as_alice: ApiClient) -> None:
    assert ApiClient().get("/plugins").status_code == 401
