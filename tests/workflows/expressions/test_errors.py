"""Errors tell what, where, and what was probably meant; they never tell a secret."""

import pickle

import pytest

from apps.workflows.expressions.environment import ExpressionError, Functions, check_syntax, render, render_typed
from apps.workflows.expressions.errors import Failure

SECRET = 'p"4ss\nword'


def failure_of(
    text: str, variables: dict[str, object] | None = None, functions: Functions | None = None
) -> ExpressionError:
    """The error a text gives."""
    with pytest.raises(ExpressionError) as caught:
        render(text, variables or {}, functions)
    return caught.value


def test_missing_variable_is_told_with_place_and_nearest_name() -> None:
    error = failure_of("first line\n  {{ inputs.nmae }}", {"inputs": {"name": 1, "age": 2}})
    expected = "Unable to find `nmae` used in the expression `first line\n  {{ inputs.nmae }}` at line 2"
    assert (error.kind, error.message) == ("undefined", expected)
    assert (error.line, error.column, error.suggestion) == (2, 13, "name")


def test_unknown_names_are_told_with_the_nearest_known_one() -> None:
    for text, message, suggestion in (
        ("{{ 'a' | uper }}", "Filter [uper] does not exist. ({{ 'a' | uper }}:1)", "upper"),
        ("{{ secert('a') }}", "Function or Macro [secert] does not exist. ({{ secert('a') }}:1)", "secret"),
        ("{{ 1 is evn }}", "Test [evn] does not exist. ({{ 1 is evn }}:1)", "even"),
        ("{% esleif %}", 'Unexpected tag name "esleif" ({% esleif %}:1)', "elseif"),
        ("{{ a && b }}", "Unexpected character [&] ({{ a && b }}:1)", "and"),
        (
            "{{ 'a'.lenght() }}",
            "Unable to find `lenght` used in the expression `{{ 'a'.lenght() }}` at line 1",
            "length",
        ),
    ):
        error = failure_of(text)
        assert (error.message, error.suggestion) == (message, suggestion)


def test_arguments_are_checked_by_name_and_number() -> None:
    assert "The following named argument does not exist: sep" in str(failure_of("{{ [1] | join(sep=',') }}"))
    expected = "The argument at position 2 is not allowed. Only 1 argument(s) are allowed."
    assert expected in str(failure_of("{{ [1] | join(',', 1) }}"))


def test_raw_blocks_do_not_move_the_place_of_an_error() -> None:
    error = failure_of("{% raw %}{{ a }}{% endraw %} {{ missing }}")
    assert (error.line, error.column) == (1, 33)


def test_condition_on_something_missing_is_an_error_of_the_condition() -> None:
    error = failure_of("{% if missing %}a{% endif %}")
    assert error.kind == "evaluation"
    assert error.message.startswith("Wrong operand(s) type in conditional expression")


def test_syntax_can_be_checked_without_variables() -> None:
    check_syntax("{{ anything | at_all }}")
    with pytest.raises(ExpressionError):
        check_syntax("{{ a b }}")


def test_errors_cross_process_borders() -> None:
    error = failure_of("{{ missing }}")
    copy = pickle.loads(pickle.dumps(error))
    assert (copy.kind, copy.message, copy.line, copy.suggestion) == (error.kind, error.message, 1, None)


@pytest.mark.parametrize(
    "text",
    [
        "{{ x[secret('K')] }}",
        "{{ secret('K') | jq('.') }}",
        "{{ secret('K') | number }}",
        "{{ secret('K') | date }}",
        "{{ fromJson(secret('K')) }}",
        "{{ yaml('a: {' ~ secret('K')) }}",
        "{{ render('{' ~ '{ ' ~ secret('K') ~ ' }}') }}",
        "{{ renderOnce('{' ~ '{ x[\"' ~ secret('K') ~ '\"] }}') }}",
        "{{ 'a' | date(secret('K')) }}",
        "{{ 'a' | date(existingFormat=secret('K')) }}",
        "{{ 'a' | split(secret('K') ~ '(') }}",
        "{% for i in secret('K') %}{% endfor %}",
        "{{ now(timeZone=secret('K')) }}",
        "{{ secret('K') * 2 }}",
        "{{ read(secret('K')) }}",
        "{{ 'a' | jq(secret('K')) }}",
        "{{ decrypt(secret('K'), 'x') }}",
    ],
)
def test_no_error_repeats_a_secret(text: str) -> None:
    seen: list[str] = []
    functions = Functions(secret=lambda *_: SECRET, on_secret=seen.append)
    error = failure_of(text, {"x": {}}, functions)
    told = f"{error} {error.message} {error.expression} {error.suggestion} {error!r}"
    assert 'p"4ss' not in told
    assert "4ss" not in told.replace("********", "")
    assert seen == [SECRET]


def test_typed_output_does_not_repeat_a_secret_either() -> None:
    with pytest.raises(ExpressionError) as caught:
        render_typed("{{ [secret('K')] }}{{ secret('K') }}", {}, Functions(secret=lambda *_: SECRET))
    assert "4ss" not in str(caught.value)


def test_what_a_host_raises_becomes_an_error_without_its_text() -> None:
    def leak(path: str) -> str:
        raise ConnectionError("password=hunter2")

    error = failure_of("{{ read('a') }}", functions=Functions(read=leak))
    assert error.message.startswith("The function read failed on this value (ConnectionError).")

    def refuse(path: str) -> str:
        raise Failure("There is no file a.")

    assert failure_of("{{ read('a') }}", functions=Functions(read=refuse)).message.startswith("There is no file a.")


def test_functions_the_host_does_not_offer_say_so() -> None:
    assert "The function 'secret' is not available here." in str(failure_of("{{ secret('a') }}"))
    with pytest.raises(TypeError, match="sceret"):
        Functions(sceret=lambda: None)
