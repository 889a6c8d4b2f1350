"""The tasks that return at once: log, debug, output, fail, kv."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from apps.workflows.plugin_api.errors import TaskFailed
from apps.workflows.plugin_api.registry import plugin_class
from apps.workflows.plugin_api.task import Level, RunnableTask
from tests.support.run_context import FakeRunContext

CORE = "io.kestra.plugin.core."


def task(name: str, **properties: Any) -> RunnableTask:
    found = plugin_class(CORE + name)
    made = found.model_validate({"id": "t", "type": CORE + name, **properties})
    assert isinstance(made, RunnableTask)
    return made


@pytest.fixture
def context(tmp_path: Path) -> FakeRunContext:
    return FakeRunContext(tmp_path, variables={"inputs": {"name": "Ada", "n": 3, "none": None}})


def test_log_writes_each_message_rendered(context: FakeRunContext) -> None:
    assert task("log.Log", message=["Hi {{ inputs.name }}", "{{ inputs.n + 1 }}"], level="WARN").run(context) is None
    assert context.logs == [(Level.WARN, "Hi Ada"), (Level.WARN, "4")]


def test_log_takes_one_message(context: FakeRunContext) -> None:
    task("log.Log", message="{{ inputs.name }}").run(context)
    assert context.logs == [(Level.INFO, "Ada")]


def test_echo_writes_to_the_log(context: FakeRunContext) -> None:
    task("debug.Echo", format="{{ inputs.name }}", level="DEBUG").run(context)
    assert context.logs == [(Level.DEBUG, "Ada")]


def test_return_gives_the_text_and_its_metrics(context: FakeRunContext) -> None:
    output = task("debug.Return", format="Hi {{ inputs.name }}").run(context)
    assert output is not None
    assert not isinstance(output, dict)
    assert output.model_dump(by_alias=True) == {"value": "Hi Ada"}
    assert context.logs == [(Level.DEBUG, "Hi Ada")]
    assert [(kind, name, tags) for kind, name, _, tags in context.metrics] == [
        ("counter", "length", {"format": "Hi {{ inputs.name }}"}),
        ("timer", "duration", {"format": "Hi {{ inputs.name }}"}),
    ]
    assert context.metrics[0][2] == 6


def test_return_without_a_format_gives_nothing(context: FakeRunContext) -> None:
    assert task("debug.Return").run(context) is None


def test_output_values_renders_deeply(context: FakeRunContext) -> None:
    output = task("output.OutputValues", values={"a": "{{ inputs.name }}", "b": [1, {"c": "{{ inputs.n }}"}]}).run(
        context
    )
    assert output is not None
    assert not isinstance(output, dict)
    assert output.model_dump(by_alias=True) == {"values": {"a": "Ada", "b": [1, {"c": "3"}]}}


def test_fail_without_a_condition_fails_with_its_message(context: FakeRunContext) -> None:
    with pytest.raises(TaskFailed, match=r"^Something went wrong for Ada$"):
        task("execution.Fail", errorMessage="Something went wrong for {{ inputs.name }}").run(context)
    with pytest.raises(TaskFailed, match=r"^Task failure$"):
        task("execution.Fail").run(context)


def test_fail_on_a_true_condition_logs_the_message(context: FakeRunContext) -> None:
    with pytest.raises(TaskFailed, match=r"^Fail on a condition$"):
        task("execution.Fail", condition="{{ inputs.n == 3 }}", errorMessage="n is 3").run(context)
    assert context.logs == [(Level.ERROR, "n is 3")]


@pytest.mark.parametrize("condition", ["{{ inputs.n == 4 }}", "0", "", "{{ inputs.none }}"])
def test_fail_on_a_false_condition_is_a_success(context: FakeRunContext, condition: str) -> None:
    assert task("execution.Fail", condition=condition).run(context) is None
    assert context.logs == []


def test_set_stores_a_typed_value(context: FakeRunContext) -> None:
    task("kv.Set", key="k_{{ inputs.name }}", value="{{ inputs.n }}", ttl="PT5M", kvType="NUMBER").run(context)
    store = context.kv("company.team")
    assert store.calls == [{"key": "k_Ada", "value": 3, "kv_type": "NUMBER", "ttl": timedelta(minutes=5)}]


def test_set_in_another_namespace(context: FakeRunContext) -> None:
    task("kv.Set", key="k", value="v", namespace="other").run(context)
    assert context.kv("other").pairs == {"k": "v"}
    assert context.kv("company.team").pairs == {}


def test_set_does_not_overwrite_when_told_so(context: FakeRunContext) -> None:
    context.kv("company.team").pairs["k"] = "old"
    with pytest.raises(TaskFailed) as caught:
        task("kv.Set", key="k", value="new", overwrite=False).run(context)
    assert str(caught.value) == ("Cannot set value for key 'k'. Key already exists and `overwrite` is set to `false`.")
    assert context.kv("company.team").pairs == {"k": "old"}


@pytest.mark.parametrize(("key", "message"), [("", "Key cannot be null or empty"), ("_k", "Key must start with")])
@pytest.mark.parametrize("name", ["kv.Set", "kv.Get", "kv.Delete"])
def test_keys_are_checked(context: FakeRunContext, name: str, key: str, message: str) -> None:
    more = {"value": "v"} if name == "kv.Set" else {}
    with pytest.raises(TaskFailed, match=message):
        task(name, key=key, **more).run(context)


def test_get_gives_the_value_or_null(context: FakeRunContext) -> None:
    context.kv("company.team").pairs["k"] = {"a": [1]}
    for key, value in (("k", {"a": [1]}), ("missing", None)):
        output = task("kv.Get", key=key).run(context)
        assert output is not None
        assert not isinstance(output, dict)
        assert output.model_dump(by_alias=True) == {"value": value}


def test_get_and_delete_fail_on_a_missing_pair_when_told_so(context: FakeRunContext) -> None:
    expected = "No value found for key 'k' in namespace 'company.team' and `errorOnMissing` is set to true"
    for name in ("kv.Get", "kv.Delete"):
        with pytest.raises(TaskFailed) as caught:
            task(name, key="k", errorOnMissing=True).run(context)
        assert str(caught.value) == expected


def test_delete_says_whether_there_was_one(context: FakeRunContext) -> None:
    context.kv("company.team").pairs["k"] = 1
    outputs = [task("kv.Delete", key="k").run(context) for _ in range(2)]
    assert [getattr(output, "deleted") for output in outputs] == [True, False]  # noqa: B009


def test_get_keys_lists_by_prefix(context: FakeRunContext) -> None:
    context.kv("company.team").pairs.update({"b_1": 1, "a_1": 1, "a_2": 1})
    assert getattr(task("kv.GetKeys", prefix="a_").run(context), "keys") == ["a_1", "a_2"]  # noqa: B009
    assert getattr(task("kv.GetKeys").run(context), "keys") == ["a_1", "a_2", "b_1"]  # noqa: B009
