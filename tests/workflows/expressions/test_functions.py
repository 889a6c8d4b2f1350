"""Functions that ask the host: what is passed on, what is refused before the host is asked."""

import pytest

from apps.workflows.expressions.environment import ExpressionError, Functions, render, render_typed

FLOW = {"id": "my_flow", "namespace": "company.team"}
NAMES = {
    "flow": FLOW,
    "execution": {"id": "E1"},
    "trigger": {"namespace": "other", "flowId": "Starter", "executionId": "E0"},
}


class Asked(Functions):
    """Remembers what it was asked, and answers with it."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[object, ...]] = []

    def secret(
        self, key: str, namespace: str | None = None, subkey: str | None = None, error_on_missing: bool = True
    ) -> str | None:
        self.calls.append((key, namespace, subkey, error_on_missing))
        return "found" if key == "known" else None

    def kv(self, key: str, namespace: str | None, error_on_missing: bool) -> object:
        self.calls.append((key, namespace, error_on_missing))
        if key != "known":
            raise KeyError(key)
        return {"typed": [1]}

    def read(self, path: str) -> str:
        self.calls.append((path,))
        return "content"


def test_secret_takes_namespace_and_subkey_and_may_be_missing() -> None:
    host = Asked()
    assert render(
        "{{ secret('known', subkey='field') }}{{ secret('none', 'a.b', errorOnMissing=false) }}", {}, host
    ) == ("found")
    assert host.calls == [("known", None, "field", True), ("none", "a.b", None, False)]
    with pytest.raises(ExpressionError, match=r"^Cannot find secret for key 'none'\."):
        render("{{ secret('none') ?? 'x' }}", {}, host)


def test_kv_is_looked_up_in_the_namespace_of_the_flow() -> None:
    host = Asked()
    assert render_typed("{{ kv('known').typed }}", NAMES, host) == [1]
    assert render("{{ kv('none', 'other') ?? 'nothing' }}", NAMES, host) == "nothing"
    assert host.calls == [("known", "company.team", False), ("none", "other", False)]
    with pytest.raises(ExpressionError, match=r"^The key 'none' does not exist in the namespace 'company\.team'\."):
        render("{{ kv('none', errorOnMissing=true) }}", NAMES, host)


@pytest.mark.parametrize(
    "path",
    [
        "kestra:///company/team/my-flow/executions/E1/tasks/a/1.txt",
        "kestra:///other/starter/executions/E0/a.txt",
        "folder/file.txt",
    ],
)
def test_files_of_the_execution_its_starter_and_the_namespace_are_read(path: str) -> None:
    host = Asked()
    assert render("{{ read(path) }}", {**NAMES, "path": path}, host) == "content"
    assert host.calls == [(path,)]


@pytest.mark.parametrize(
    "text",
    [
        "{{ read('kestra:///company/team/my-flow/executions/E2/a') }}",
        "{{ read('kestra:///company/team/my-flow/executions/E1/../E2/a') }}",
        "{{ read('kestra:///company/team/_files/a') }}",
        "{{ read('a/../../b') }}",
        "{{ read(5) }}",
        "{{ read() }}",
        # What the text sets is no proof of what it is.
        "{% set execution = {'id': 'E2'} %}{{ read('kestra:///company/team/my-flow/executions/E2/a') }}",
    ],
)
def test_other_files_are_refused_before_the_host_is_asked(text: str) -> None:
    host = Asked()
    with pytest.raises(ExpressionError):
        render(text, NAMES, host)
    assert host.calls == []


def test_file_uri_names_a_file_of_the_namespace() -> None:
    assert render("{{ fileURI('/a/b.txt') }}", NAMES) == "kestra:///company/team/_files/a/b.txt"


def test_current_each_output_follows_the_values_of_the_loops() -> None:
    names = {
        "outputs": {"task": {"outer": {"inner": {"here": {"value": 1}}}}},
        "parents": [{"taskrun": {"value": "inner"}}, {"taskrun": {"value": "outer"}}],
        "taskrun": {"value": "here"},
    }
    assert render("{{ currentEachOutput(outputs.task).value }}", names) == "1"
    assert render("{{ currentEachOutput(outputs=outputs.task.outer.inner).value }}", {**names, "parents": []}) == "1"


def test_random_values() -> None:
    assert {render("{{ randomInt(1, 4) }}", {}) for _ in range(100)} == {"1", "2", "3"}
    assert len({render("{{ id() }}{{ uuid() }}", {}) for _ in range(10)}) == 10


def test_encryption_differs_each_time_and_needs_the_right_key() -> None:
    key, other = "I6EGNzRESu3X3pKZidrqCGOHQFUFC0yK", "I6EGNzRESu3X3pKZidrqCGOHQFUFC0yL"
    first, second = (render("{{ encrypt(k, 'text') }}", {"k": key}) for _ in range(2))
    assert first != second
    assert render("{{ decrypt(k, e) }}", {"k": key, "e": first}) == "text"
    for wrong in ({"k": other, "e": first}, {"k": key, "e": "AAAA"}, {"k": "short", "e": first}):
        with pytest.raises(ExpressionError) as caught:
            render("{{ decrypt(k, e) }}", wrong)
        assert key not in str(caught.value)
        assert other not in str(caught.value)


def test_context_can_be_looked_at() -> None:
    assert render("{% set a = 1 %}{{ printContext() }}{{ fetchContext().b }}", {"b": 2}) == '{"b":2,"a":1}2'
