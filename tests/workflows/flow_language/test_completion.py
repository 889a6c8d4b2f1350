"""What the editor suggests at a place. A `§` in a text is the cursor."""

import pytest

from apps.workflows.flow_language.completion import Around, complete, explain, type_at

FLOW = """\
id: nightly
namespace: company.team
inputs:
  - id: region
    type: STRING
variables:
  bucket: b
tasks:
  - id: read
    type: io.kestra.plugin.jdbc.sqlite.Query
    url: jdbc:sqlite
    sql: SELECT 1
  - id: each
    type: io.kestra.plugin.core.flow.ForEach
    values: [1, 2]
    tasks:
      - id: say
        type: io.kestra.plugin.core.log.Log
        message: Hello
"""
AROUND = Around(
    namespaces=("company.team", "company.sales"), flows=("child",), keys=("cursor",), secrets=("DB_PASSWORD",)
)


def options(text: str) -> dict[str, str]:
    """Label → kind of what is suggested at the cursor."""
    before, _, after = text.partition("§")
    line, column = before.count("\n"), len(before.rpartition("\n")[2])
    return {one.label: one.kind for one in complete(before + after, line, column, AROUND).options}


def test_a_task_gets_the_properties_of_its_type_but_those_it_has() -> None:
    found = options(FLOW.replace("        message: Hello\n", "        §\n"))
    assert found["message"] == "property"
    assert "retry" in found
    assert "type" not in found, "it is there already"
    assert "fetchType" not in found, "that is a property of another type"


def test_the_type_of_a_task_is_found_above_and_below_the_cursor() -> None:
    assert "level" in options(FLOW.replace("      - id: say\n", "      - id: say\n        §\n"))


def test_all_types_of_tasks_are_suggested_also_while_one_is_written_there() -> None:
    found = options(FLOW.replace("core.log.Log", "core.l§"))
    assert found["io.kestra.plugin.core.log.Log"] == "type"
    assert "io.kestra.plugin.core.flow.ForEach" in found
    assert "io.kestra.plugin.core.trigger.Schedule" not in found


def test_triggers_get_types_of_triggers() -> None:
    found = options(FLOW + "triggers:\n  - id: daily\n    type: §\n")
    assert "io.kestra.plugin.core.trigger.Schedule" in found
    assert "io.kestra.plugin.core.log.Log" not in found


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("    type: §", "DATETIME"),
        ("    required: §", "true"),
    ],
)
def test_inputs_get_their_types_and_the_words_of_their_values(line: str, wanted: str) -> None:
    text = FLOW.replace("    type: STRING\n", f"    type: STRING\n{line}\n" if "required" in line else f"{line}\n")
    assert wanted in options(text)


def test_choices_are_suggested_as_values() -> None:
    assert set(options(FLOW + "        level: §\n")) == {"TRACE", "DEBUG", "INFO", "WARN", "ERROR"}


def test_keys_of_the_flow_itself_on_a_line_of_its_own() -> None:
    found = options(FLOW + "§")
    assert "triggers" in found
    assert "tasks" not in found


def test_nothing_is_suggested_inside_a_block_of_text() -> None:
    assert options(FLOW.replace("sql: SELECT 1", "sql: |\n      SELECT §")) == {}


@pytest.mark.parametrize(
    ("expression", "wanted"),
    [
        ("outputs.§", "read"),
        ("outputs.read.§", "row"),
        ("inputs.§", "region"),
        ("vars.§", "bucket"),
        ("inputs.region | up§", "upper"),
        ("se§", "secret"),
        ("secret('§", "DB_PASSWORD"),
        ("kv('cu§", "cursor"),
        ("execution.§", "startDate"),
    ],
)
def test_expressions_know_the_names_of_the_flow(expression: str, wanted: str) -> None:
    assert wanted in options(FLOW.replace("message: Hello", 'message: "{{ ' + expression + ' }}"'))


def test_a_text_that_is_broken_elsewhere_still_gets_answers() -> None:
    broken = FLOW.replace("    url: jdbc:sqlite\n", "    url\n").replace("message: Hello", 'message: "{{ outputs.§')
    assert "message" in options(FLOW.replace("id: nightly", "id: [").replace("        message: Hello\n", "        §\n"))
    assert options(broken) == {}, "names need a text that can be read, apart from the line of the cursor"


@pytest.mark.parametrize("text", ["", "§", "- - - §", "{{ §", ": §", "tasks:\n- §", "\t§", "a: |\n §", "'§", "&a *a §"])
def test_no_text_is_too_odd(text: str) -> None:
    assert isinstance(options(text if "§" in text else text + "§"), dict)


def test_a_property_a_type_and_a_function_are_explained() -> None:
    lines = FLOW.splitlines()
    message = next(number for number, line in enumerate(lines) if "message:" in line)
    assert "rendered" in explain(FLOW, message, 10)[1]
    assert explain(FLOW, message - 1, 20)[0] == "io.kestra.plugin.core.log.Log"
    assert explain('a: "{{ inputs.x | upper }}"', 0, 20)[0].startswith("upper")
    assert explain(FLOW, 999, 0) == ("", "")


def test_the_type_around_a_line() -> None:
    lines = FLOW.splitlines()
    assert type_at(FLOW, len(lines) - 1) == "io.kestra.plugin.core.log.Log"
    assert type_at(FLOW, lines.index("    values: [1, 2]")) == "io.kestra.plugin.core.flow.ForEach"
    assert type_at(FLOW, 0) == ""
