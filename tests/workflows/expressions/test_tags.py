"""Tags, scopes, white space and raw blocks."""

import pytest

from apps.workflows.expressions.environment import ExpressionError, render


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("{% for i in 1..3 %}{% set sum = sum + i %}{% endfor %}{{ sum }}", "6"),
        ("{% for i in 1..2 %}{% set new = i %}{% endfor %}{{ new ?? 'gone' }}", "gone"),
        ("{% for i in 1..2 %}{% set new = (new ?? 0) + i %}{{ new }},{% endfor %}", "1,3,"),
        ("{% if true %}{% set new = 1 %}{% endif %}{{ new }}", "1"),
        ("{% set sum = 5 %}{% for i in 1..2 %}{% set sum = sum + i %}{% endfor %}{{ sum }}", "8"),
        ("{% for sum in 1..2 %}{{ sum }}{% endfor %}{{ sum }}", "120"),
        (
            "{% for a in [1, 2] %}{% for b in [1] %}{{ loop.length }}{% endfor %}{{ loop.length }} {% endfor %}",
            "12 12 ",
        ),
        ("{% for e in {'a': 1} %}{{ e.key }}{{ e.value }}{% endfor %}", "a1"),
        ("{% for i in null %}a{% else %}b{% endfor %}", ""),
        ("{% for i in [] %}a{% else %}b{% endfor %}", "b"),
        (
            "{{ both('x') }}{% macro both(a, b='!') %}{{ a }}{{ other(b) }}{% endmacro %}{% macro other(c) %}<{{ c }}>"
            "{% endmacro %}",
            "x<!>",
        ),
        ("{% macro m(a) %}{{ a ?? 'none' }}{% endmacro m %}{{ m() }}{{ m(a=1) }}", "none1"),
        ("{% block b %}[{{ sum }}]{% endblock b %}{% set sum = 1 %}{{ block('b') }}{{ block('none') }}", "[0][1]"),
        ("{% filter lower | replace({'a': 'b'}) %}A{{ sum }}{% endfilter %}", "b0"),
        ("{% verbatim %}  {{ x }}{% if %}{% endverbatim %}", "{{ x }}{% if %}"),
        ("a {%- verbatim -%} {{ x }} {%- endverbatim -%} b", "a{{ x }}b"),
        ("{% raw %}{{ x }}{% endraw %}{{ sum }}{%- raw -%}{% for %}{%- endraw -%}", "{{ x }}0{% for %}"),
        ("{{ '{% raw %}a{% endraw %}' }}", "a"),
        ("{{ marked }}", "a"),
        ("{# a {{ b #}c{# #}", "c"),
        ("a \n {#- b -#} \n c", "ac"),
        ("a {{- -1 }} {{-1 -}} b", "a-1 -1b"),
        ("{{ sum }}\r\n\n{% if true %}\n{% endif %}", "0\r\n\n\n"),
        ("{% if sum == 1 %}a{% elseif sum == 0 %}b{% elseif missing %}c{% else %}d{% endif %}", "b"),
        ("{{ {'a': {'b': 1}} }}", '{"a":{"b":1}}'),
        ("}} %} #} { {{ sum }}}", "}} %} #} { 0}"),
    ],
)
def test_text_gives(text: str, result: str) -> None:
    assert render(text, {"sum": 0, "marked": "{% raw %}a{% endraw %}"}) == result


@pytest.mark.parametrize(
    "text",
    [
        "{{ }}", "{{ a b }}", "{{ a.0 }}", "{{ [1,] }}", "{{ {'a'} }}", "{{ [1][0] }}", "{{ 1. }}", "{{ .5 }}",
        "{{ 1e3 }}", "{{ a ? b }}", "{{ !a }}", "{{ a && b }}", "{{ a ** 2 }}", "{{ a in b }}", "{{ a[1:2] }}",
        "{{ f(a=1, 2) }}", "{{ 'a }}", '{{ "#{a" }}', "{{ (1] }}", "{{ a", "{# a", "{% if a %}", "{% if %}{% endif %}",
        "{% endif %}", "{% foo %}", "{% for a b %}{% endfor %}", "{% for true in a %}{% endfor %}", "{% set a %}",
        "{% set null = 1 %}", "{% macro m %}{% endmacro %}", "{% block a %}{% endblock b %}", "{% include 'a' %}",
        "{% verbatim %}", "{% raw %}a\nb{% endraw %}", "{% block a %}{% endblock %}{% block a %}{% endblock %}",
        "{{ 'a' 'b' }}", "{{ a.and }}", "{{ a is  not null }}", "{{ \\ }}", "{{ a | }}", "{{ a is }}",
    ],
)  # fmt: skip
def test_text_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        render(text, {})
    assert caught.value.kind == "syntax"
    assert caught.value.line >= 1
    assert caught.value.column >= 1


def test_branches_that_are_not_taken_are_not_evaluated() -> None:
    assert render("{% if false %}{{ 1 / 0 }}{{ x | nothing }}{% else %}ok{% endif %}", {}) == "ok"
