"""YAML to FlowDefinition: scalars, places of mistakes, limits."""

from __future__ import annotations

import pytest

from apps.workflows.flow_language.document import MAX_BYTES, read_document
from apps.workflows.flow_language.flow import FlowDefinition
from apps.workflows.flow_language.source import InvalidFlow, Violation, clean_source, parse_flow, split_flows

HEAD = "id: hello\nnamespace: company.team\n"
TASKS = "tasks:\n  - id: say\n    type: io.kestra.plugin.core.log.Log\n    message: hi\n"


def violations(source: str) -> tuple[Violation, ...]:
    with pytest.raises(InvalidFlow) as caught:
        parse_flow(source)
    return caught.value.violations


def only(source: str) -> Violation:
    found = violations(source)
    assert len(found) == 1, [str(one) for one in found]
    return found[0]


def test_untyped_values_follow_the_core_rules_of_yaml_1_2() -> None:
    flow = parse_flow(
        HEAD
        + """
variables:
  version: 1.10
  quoted: "1.10"
  yes: yes
  on: Off
  true: TRUE
  nothing:
  tilde: ~
  time: 09:00:00
  date: 2024-01-02
  zeros: 007
  hex: 0x1F
  octal: 0o17
  base60: 1:30
  big: 12345678901234567890
  exponent: 1e3
  infinite: .inf
  list: [1, no, null]
"""
        + TASKS
    )
    assert flow.variables == {
        "version": 1.1,
        "quoted": "1.10",
        "yes": "yes",
        "on": "Off",
        "true": True,
        "nothing": None,
        "tilde": None,
        "time": "09:00:00",
        "date": "2024-01-02",
        "zeros": 7,
        "hex": 31,
        "octal": "0o17",
        "base60": "1:30",
        "big": 12345678901234567890,
        "exponent": 1000.0,
        "infinite": ".inf",
        "list": [1, "no", None],
    }


@pytest.mark.parametrize("text", ["1.10", "007", "09:00:00", "no", "True", "0x1F", "1e3", "12"])
def test_a_text_property_keeps_what_was_written(text: str) -> None:
    flow = parse_flow(HEAD + TASKS.replace("hi", text) + f"labels: {{version: {text}}}\n")
    assert getattr(flow.tasks[0], "message") == text  # noqa: B009 — the class is found at run time
    assert type(getattr(flow.tasks[0], "message")) is str  # noqa: B009
    assert flow.labels[0].value == text


def test_scalars_in_plugins_are_typed_by_their_property() -> None:
    flow = parse_flow(
        HEAD
        + """
tasks:
  - id: loop
    type: io.kestra.plugin.core.flow.ForEach
    values: [1, true, 1.5, a]
    concurrencyLimit: "2"
    disabled: yes
    timeout: 90
    tasks:
      - {id: out, type: io.kestra.plugin.core.output.OutputValues, values: {a: 1, b: [1.10, x], c: {d: null}}}
      - {id: shell, type: io.kestra.plugin.scripts.shell.Commands, env: {V: 1.10}, commands: [true]}
"""
    )
    loop = flow.tasks[0].to_json()
    assert loop["values"] == [1, True, 1.5, "a"]
    assert loop["concurrencyLimit"] == 2
    assert loop["disabled"] is True
    assert loop["timeout"] == "90"
    assert loop["tasks"][0]["values"]["b"] == [1.1, "x"]
    assert loop["tasks"][1]["env"] == {"V": "1.10"}
    assert loop["tasks"][1]["commands"] == ["true"]


def test_the_default_of_a_text_input_stays_text() -> None:
    flow = parse_flow(
        HEAD
        + "inputs:\n  - {id: version, type: STRING, defaults: 1.10}\n  - {id: n, type: INT, defaults: 5}\n"
        + "  - {id: b, type: BOOLEAN, defaults: true}\n"
        + TASKS
    )
    assert [one.defaults for one in flow.inputs] == ["1.10", 5, True]


def test_a_key_without_a_value_says_the_same_as_no_key() -> None:
    flow = parse_flow(HEAD + "triggers:\nerrors:\ndescription:\n" + TASKS + "    level:\n")
    assert flow.triggers == []
    assert flow.to_json()["tasks"] == [{"id": "say", "type": "io.kestra.plugin.core.log.Log", "message": "hi"}]


def test_concrete_classes_survive_nesting_and_json() -> None:
    source = (
        HEAD
        + """
tasks:
  - id: choose
    type: io.kestra.core.tasks.flows.If
    condition: "{{ true }}"
    then:
      - id: all
        type: io.kestra.plugin.core.flow.Parallel
        tasks: [{id: a, type: io.kestra.plugin.core.log.Log, message: m}]
"""
    )
    flow = parse_flow(source)
    assert [type(task).__name__ for task in flow.tasks[0].children()] == ["Parallel"]
    assert flow.to_json()["tasks"][0]["type"] == "io.kestra.core.tasks.flows.If"
    assert FlowDefinition.model_validate(flow.to_json()) == flow


def test_an_unknown_property_is_told_with_its_line_and_the_nearest_name() -> None:
    found = only(HEAD + TASKS + "    mesage: twice\n")
    assert (found.path, found.line, found.column) == ("tasks[0].mesage", 7, 5)
    assert found.suggestion == "message"
    assert found.message.startswith(
        'Unrecognized field "mesage" (class io.kestra.plugin.core.log.Log), not marked as ignorable '
        '(14 known properties: "id", "type"'
    )


@pytest.mark.parametrize(
    ("lines", "path", "owner"),
    [
        ("nme: x", "nme", "Flow"),
        ("concurrency: {limit: 1, behaviour: QUEUE}", "concurrency.behaviour", "Concurrency"),
        ("inputs: [{id: a, type: INT, mni: 1}]", "inputs[0].mni", "IntInput"),
        ("sla: [{id: a, type: MAX_DURATION, behavior: FAIL, duration: PT1S, x: 1}]", "sla[0].x", "SlaMaxDuration"),
        ("retry: {type: constant, interval: PT1S, maxAttempts: 3}", "retry.maxAttempts", "ConstantRetry"),
        (
            "errors: [{id: e, type: io.kestra.plugin.core.http.Request, uri: x, options: {readTimeOut: 1}}]",
            "errors[0].options.readTimeOut",
            "HttpOptions",
        ),
        ("run_if: x", "run_if", "Flow"),
    ],
)
def test_unknown_properties_are_found_everywhere(lines: str, path: str, owner: str) -> None:
    found = only(HEAD + TASKS + lines + "\n")
    assert found.path == path
    assert f"(class {owner})" in found.message
    assert found.line == 7


def test_snake_case_names_are_no_properties() -> None:
    found = only(HEAD + TASKS + "    run_if: x\n")
    assert (found.path, found.suggestion) == ("tasks[0].run_if", "runIf")


def test_mistakes_in_nested_tasks_carry_their_whole_path() -> None:
    found = violations(
        HEAD
        + """
tasks:
  - id: outer
    type: io.kestra.plugin.core.flow.Sequential
    tasks:
      - id: choice
        type: io.kestra.plugin.core.flow.Switch
        value: x
        cases:
          a:
            - id: bad id
              type: io.kestra.plugin.core.log.Log
              level: LOUD
"""
    )
    assert [(one.path, one.line) for one in found] == [
        ("tasks[0].tasks[0].cases.a[0].id", 13),
        ("tasks[0].tasks[0].cases.a[0].message", 13),
        ("tasks[0].tasks[0].cases.a[0].level", 15),
    ]
    assert found[1].message == "must not be null"
    assert found[2].message == '"LOUD" is not one of TRACE, DEBUG, INFO, WARN, ERROR'


def test_an_unknown_type_is_told_twice_as_clients_expect() -> None:
    found = violations(HEAD + TASKS.replace("log.Log", "log.Logg"))
    assert [one.message for one in found] == [
        "Invalid type: io.kestra.plugin.core.log.Logg",
        "No plugin registered for the defined type: 'io.kestra.plugin.core.log.Logg'; "
        "did you mean 'io.kestra.plugin.core.log.Log'?",
    ]
    assert {(one.path, one.line, one.suggestion) for one in found} == {
        ("tasks[0].type", 5, "io.kestra.plugin.core.log.Log")
    }


@pytest.mark.parametrize(
    ("lines", "path", "message"),
    [
        ("tasks: []", "tasks", "must not be empty"),
        ("", "tasks", "must not be empty"),
        ("tasks: [{id: a}]", "tasks[0].type", "must not be null"),
        ("tasks: [text]", "tasks[0]", "must be a map"),
        ("tasks: {id: a}", "tasks", "must be a list"),
        (TASKS + "concurrency: {limit: 0}", "concurrency.limit", "must be greater than 0"),
        (TASKS + "concurrency: {limit: many}", "concurrency.limit", "must be a whole number"),
        (TASKS + "disabled: perhaps", "disabled", "must be true or false"),
        (
            TASKS + "retry: {type: constant, interval: soon}",
            "retry.interval",
            "`soon` is not a duration, write it as in PT30S",
        ),
        (TASKS + "retry: {type: fast}", "retry.type", '"fast" is not one of constant, exponential, random'),
        (TASKS + "retry: {interval: PT1S}", "retry.type", "must not be null"),
        (TASKS + "inputs: [{id: a, type: INTT}]", "inputs[0].type", 'did you mean "INT"?'),
        (TASKS + "labels: {a: [b]}", "labels", "Unsupported type for key: a"),
        (
            TASKS + "labels: {system.x: b}",
            "labels.system.x",
            "System labels can only be set by Kestra itself, offending label: system.x=b",
        ),
        (
            "tasks: [{id: a, type: io.kestra.plugin.core.runner.Process}]",
            "tasks[0].type",
            "Invalid type: io.kestra.plugin.core.runner.Process is not a task",
        ),
        (
            "tasks: [{id: a, type: io.kestra.plugin.core.log.Log, message: {a: b}}]",
            "tasks[0].message",
            "must be a text or must be a list",
        ),
    ],
)
def test_each_mistake_has_a_sentence_and_a_path(lines: str, path: str, message: str) -> None:
    found = only(HEAD + lines)
    assert found.path == path
    assert message in found.message


@pytest.mark.parametrize(
    ("source", "message", "line"),
    [
        ("id: [", "Invalid YAML", 2),
        ("a: b: c", "Invalid YAML: mapping values are not allowed in this context", 1),
        ("\n\n\tid: x", "Invalid YAML", 3),
        ("a: *b", "Invalid YAML: the alias `*b` has no anchor", 1),
        ("a: &a [*a]", "Invalid YAML: the alias `*a` stands inside its own anchor", 1),
        ("a: !!python/object:os.system {}", "Invalid YAML: unknown tag", 1),
        ("a: !env HOME", "Invalid YAML: unknown tag", 1),
        ("a: \x07", "Invalid YAML", 1),
        ('a: "\\0"', "Invalid YAML: the text holds a character that cannot be stored", 1),
        ("? [a]\n: b", "Invalid YAML: a key must be a text", 1),
        ("id: a\n---\nid: b", "The text holds several documents", 2),
        ("- a", "A flow must be a map", 1),
        ("hello", "A flow must be a map", 1),
        ("", "must not be empty", 1),
        ("# nothing", "must not be empty", 1),
        ("[" * 60, "The flow is nested deeper than 50 levels", 1),
        ("x" * (MAX_BYTES + 1), "The flow is larger than 1024 KiB", 0),
    ],
)
def test_what_is_no_flow_is_refused_with_a_line(source: str, message: str, line: int) -> None:
    found = only(source)
    assert found.message.startswith(message)
    assert found.line == line


def test_nested_aliases_cannot_grow_without_bound() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    assert "aliases" in only("\n".join(lines)).message


def test_aliases_cannot_nest_without_bound() -> None:
    lines = ["a0: &a0 [x]"] + [f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 60)]
    assert "deeper" in only("\n".join(lines)).message


def test_anchors_and_merge_keys_work() -> None:
    document = read_document("base: &base {a: 1, b: 2}\nmore: {<<: *base, b: 3}\nlist: {<<: [*base, {c: 4}]}\n")
    assert document.value["more"] == {"a": "1", "b": "3"}
    assert document.value["list"] == {"a": "1", "b": "2", "c": "4"}


def test_a_key_written_twice_is_refused() -> None:
    found = only(HEAD + TASKS + "description: a\ndescription: b\n")
    assert (found.message, found.path, found.line) == ("Duplicate field 'description'", "description", 8)


def test_not_strict_leaves_out_what_is_unknown_at_every_depth() -> None:
    flow = parse_flow(HEAD + TASKS + "    old: x\nwhat: y\nconcurrency: {limit: 1, more: 2}\n", strict=False)
    assert flow.to_json()["tasks"] == [{"id": "say", "type": "io.kestra.plugin.core.log.Log", "message": "hi"}]


def test_all_mistakes_are_told_at_once() -> None:
    found = violations(
        "id: my flow\nnamespace: BIG\nlabels: {system.a: b}\ntasks:\n"
        "  - {id: a, type: io.kestra.plugin.core.log.Log}\n  - {id: a, type: no.such.Type}\n  - {id: c, typ: x}\n"
    )
    assert [one.path for one in found] == [
        "id",
        "namespace",
        "labels.system.a",
        "tasks[0].message",
        "tasks[1]",
        "tasks[1].type",
        "tasks[1].type",
        "tasks[2].type",
    ]
    assert InvalidFlow(found).message.splitlines()[0] == 'id: must match "^[a-zA-Z0-9][a-zA-Z0-9._-]*$"'


def test_flows_are_split_at_document_marks() -> None:
    assert split_flows("---\nid: a\n--- # next\nid: b\n---\n\n") == ["\nid: a\n", "\nid: b\n"]
    block = "id: a\ndescription: |\n  one\n  ---\n  two\n"
    assert split_flows(block) == [block]


def test_the_revision_is_taken_out_of_the_source() -> None:
    assert clean_source("id: a\nrevision: 3\nvariables:\n  revision: 4\n") == "id: a\nvariables:\n  revision: 4\n"
    assert clean_source("revision: 12 # kept by the server") == ""


def test_a_flow_full_of_mistakes_is_not_explained_without_end() -> None:
    tasks = "".join(f"  - {{id: t{n}, type: no.such.Type{n}}}\n" for n in range(1000))
    found = violations(HEAD + "tasks:\n" + tasks)
    assert len(found) == 2 * 200 + 1
    assert found[-1].message == "There are 800 more mistakes"
