"""What is wrong with a flow as a whole, and what is only worth a warning."""

from __future__ import annotations

import pytest

from apps.workflows.flow_language.source import InvalidFlow, inspect_flow, parse_flow

HEAD = "id: hello\nnamespace: company.team\n"
LOG = "type: io.kestra.plugin.core.log.Log, message: hi"
TASKS = f"tasks: [{{id: say, {LOG}}}]\n"


def messages(source: str) -> list[str]:
    with pytest.raises(InvalidFlow) as caught:
        parse_flow(source)
    return [violation.message for violation in caught.value.violations]


def test_task_ids_are_unique_over_all_depths() -> None:
    source = (
        HEAD
        + f"""
tasks:
  - {{id: a, {LOG}}}
  - id: block
    type: io.kestra.plugin.core.flow.Sequential
    tasks: [{{id: a, {LOG}}}]
    errors: [{{id: b, {LOG}}}]
errors: [{{id: b, {LOG}}}]
finally: [{{id: block, {LOG}}}]
"""
    )
    assert messages(source) == ["Duplicate task id with name [a, b, block]"]


def test_ids_of_outputs_and_inputs_are_unique() -> None:
    source = (
        HEAD
        + TASKS
        + (
            "inputs: [{id: a, type: INT}, {id: a, type: INT}]\n"
            "outputs: [{id: o, type: INT, value: 1}, {id: o, type: INT, value: 2}]\n"
        )
    )
    assert messages(source) == ["Duplicate input with name [a]", "Duplicate output with name [o]"]


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ("[{id: a, type: INT, dependsOn: {inputs: [b]}}]", "Input with id 'a' depends on a non-existent input 'b'."),
        (
            "[{id: a, type: INT, dependsOn: {inputs: [b]}}, {id: b, type: INT, dependsOn: {inputs: [a]}}]",
            "Cycle dependency detected for input with id 'a': [a, b]",
        ),
    ],
)
def test_dependencies_of_inputs_exist_and_are_no_circle(inputs: str, message: str) -> None:
    assert message in messages(HEAD + TASKS + f"inputs: {inputs}\n")


def test_a_flow_does_not_start_itself() -> None:
    task = "{id: sub, type: io.kestra.plugin.core.flow.Subflow, namespace: company.team, flowId: hello}"
    assert "Recursive call to flow [company.team.hello]" in messages(HEAD + f"tasks: [{task}]\n")


@pytest.mark.parametrize(
    ("retry", "message"),
    [
        (
            "{type: constant, interval: PT2S, maxDuration: PT1S}",
            "'interval' must be less than 'maxDuration' but is PT2S",
        ),
        (
            "{type: exponential, interval: PT3S, maxInterval: PT2S}",
            "'interval' must be less than 'maxInterval' but is PT3S",
        ),
        (
            "{type: exponential, interval: PT1S, maxInterval: PT5S, maxDuration: PT4S}",
            "'maxInterval' must be less than 'maxDuration' but is PT5S",
        ),
        (
            "{type: random, minInterval: PT3S, maxInterval: PT2S}",
            "'minInterval' must be less than 'maxInterval' but is PT3S",
        ),
    ],
)
def test_retries_are_possible(retry: str, message: str) -> None:
    assert message in messages(HEAD + f"tasks: [{{id: a, {LOG}, retry: {retry}}}]\n")


def test_plugin_defaults_have_values() -> None:
    source = HEAD + TASKS + "pluginDefaults: [{type: x.Y, values: {}}, {type: x.Z, values: {a: null}}]\n"
    assert messages(source) == [
        "Invalid Plugin Default: No 'values' provided",
        "Invalid Plugin Default: No value provided for key 'a'",
    ]


def test_broken_expressions_are_warnings_at_their_line() -> None:
    report = inspect_flow(
        HEAD + "tasks:\n  - id: a\n    type: io.kestra.plugin.core.log.Log\n    message: '{{ a | }}'\n"
    )
    assert report.flow is not None
    (warning,) = report.warnings
    assert (warning.path, warning.line) == ("tasks[0].message", 6)
    assert warning.message.startswith("Invalid expression: ")


def test_expressions_in_a_description_are_text() -> None:
    assert inspect_flow(HEAD + "description: write {{ like this\n" + TASKS).warnings == ()


def test_defaults_for_unknown_properties_are_warnings() -> None:
    source = (
        HEAD + TASKS + "pluginDefaults: [{type: io.kestra.plugin.core.log.Log, values: {colour: red, level: WARN}}]\n"
    )
    report = inspect_flow(source)
    assert [one.message for one in report.warnings] == [
        "No property 'colour' exists in plugin 'io.kestra.plugin.core.log.Log'"
    ]
    assert report.flow is not None
    assert report.flow.to_json()["tasks"][0]["level"] == "WARN"


def test_an_image_that_is_not_used_is_a_warning() -> None:
    task = "{id: a, type: io.kestra.plugin.scripts.shell.Commands, containerImage: ubuntu, commands: [ls]}"
    (warning,) = inspect_flow(HEAD + f"tasks: [{task}]\n").warnings
    assert warning.path == "tasks[0]"
    assert "`containerImage` is ignored" in warning.message


def test_deprecations_are_told_by_path() -> None:
    source = (
        HEAD
        + """
tasks:
  - {id: echo, type: io.kestra.plugin.core.debug.Echo, format: x}
  - {id: sh, type: io.kestra.plugin.scripts.shell.Commands, runner: PROCESS, commands: [ls]}
listeners: [{tasks: [{id: end, type: io.kestra.core.tasks.log.Log, message: x}]}]
"""
    )
    report = inspect_flow(source)
    assert report.deprecation_paths == ("listeners", "tasks[0]", "tasks[1].runner")
    assert report.infos == ("io.kestra.core.tasks.log.Log is replaced by io.kestra.plugin.core.log.Log",)


def test_inspecting_tells_violations_and_never_raises() -> None:
    for source in ("", "- a", "a: [", HEAD):
        report = inspect_flow(source)
        assert report.flow is None
        assert report.violations
