"""No text leaves its data: ways out of other template languages lead nowhere, and no text takes all time or memory."""

import os
import time

import pytest

from apps.workflows.expressions.environment import ExpressionError, render


class Host:
    """An object a caller gave by mistake."""

    password = "hunter2"

    def __str__(self) -> str:
        return self.password


NAMES: dict[str, object] = {"x": "text", "l": [1], "m": {"a": 1}, "o": Host(), "f": len, "n": 1, "c": Host}


@pytest.mark.parametrize(
    "expression",
    [
        "''.__class__.__mro__[1].__subclasses__()",
        "x.__class__",
        "x['__class__']",
        "x.__init__.__globals__",
        "l.__len__",
        "l.append(1)",
        "l.clear()",
        "m.__class__",
        "m.update({'b': 1})",
        "m.pop('a')",
        "m.clear",
        "n.real",
        "n.__class__",
        "n.to_bytes(1)",
        "x.format(1)",
        "x.encode()",
        "x.join(l)",
        "'{0.__class__}'.format(x)",
        "o.password",
        "o['password']",
        "o.__dict__",
        "o",
        "o ~ ''",
        "[o]",
        "o | toJson",
        "o | upper",
        "f",
        "f(l)",
        "f.__self__",
        "c()",
        "c.password",
        "self",
        "self._TemplateReference__context",
        "cycler.__init__.__globals__.os",
        "lipsum.__globals__",
        "config",
        "request.application",
        "_self.env",
        "_context",
        "template",
        "range.__class__",
        "loop.__class__",
        "x | attr('__class__')",
        "x | map('upper')",
        "['id'] | filter('system')",
        "x | e",
        "x.getClass()",
        "x.class",
        "x.getClass().forName('java.lang.Runtime')",
        "x.wait()",
        "m.notifyAll()",
        "true.getClass()",
        "import('os')",
        "open('/etc/passwd')",
        "eval('1')",
        "exec('1')",
        "__import__('os')",
        "read('../../etc/passwd')",
        "read('kestra:///../../etc/passwd')",
        "fileURI('../a')",
        "l | jq('env')",
        "l | jq('import \"/etc/passwd\" as $p; $p')",
        'l | jq(\'include "a" {search: "/"}; .\')',
        "l | jq('input')",
        "l | jq(') | input_filename | (')",
        "yaml('!!python/object/apply:os.system [ls]')",
        "yaml('!!python/name:os.system')",
    ],
)
def test_way_out_is_closed(expression: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        render("{{ " + expression + " }}", NAMES)
    assert "hunter2" not in str(caught.value)
    assert NAMES["l"] == [1]
    assert NAMES["m"] == {"a": 1}


def test_jq_does_not_see_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_PASSWORD", "hunter2")
    assert os.environ["DATABASE_PASSWORD"] == "hunter2"
    for query in ("$ENV", "$ENV.DATABASE_PASSWORD", ".) | $ENV | (."):
        assert "hunter2" not in render("{{ 1 | jq(query) }}", {"query": query})


@pytest.mark.parametrize(
    "text",
    [
        "{{ 1..100000000 }}",
        "{{ range(0, 9000000000, 1) }}",
        "{% for a in 1..10000 %}{% for b in 1..10000 %}{% endfor %}{% endfor %}",
        "{% set s = 'aaaaaaaaaa' %}{% for i in 1..40 %}{% set s = s ~ s %}{% endfor %}{{ s }}",
        "{% set s = 'aaaaaaaaaa' %}{% for i in 1..40 %}{% set s = s + s %}{% endfor %}{{ s }}",
        "{% set l = [1] %}{% for i in 1..40 %}{% set l = l + l %}{% endfor %}",
        "{% set l = [1] %}{% for i in 1..40 %}{% set l = l | merge(l) %}{% endfor %}",
        "{% for i in 1..200 %}{{ big }}{% endfor %}",
        "{{ [big, big] | join(big) | replace({'a': big}) }}",
        "{% set l = [big] %}{% for i in 1..9 %}{% set l = l + l %}{% endfor %}{{ l }}",
        "{% set l = [big] %}{% for i in 1..9 %}{% set l = l + l %}{% endfor %}{{ l | yaml }}",
        "{% set l = [big] %}{% for i in 1..9 %}{% set l = l + l %}{% endfor %}{{ l | upper }}",
        "{{ 'a\nb' | indent(1000000000) }}",
        "{{ 'a'.repeat(1000000000) }}",
        "{{ '1E+999999999' | number('BIGDECIMAL') }}",
        "{{ ('1E+999999999' | number('BIGDECIMAL')) | numberFormat }}",
        "{{ digits | number }}",
        "{{ 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!' | split('(a|a)*$') | length / 0 }}",
        "{{ evil | replace({'^(([a-z])+.)+[A-Z]([a-z])+$': ''}, regexp=true) }}",
        "{{ digits | date(existingFormat=optionals) }}",
        "{{ nested }}",
        "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
        "{{ " + "-" * 5000 + "1 }}",
        "{{ " + "[" * 5000 + "]" * 5000 + " }}",
        "{{ " + " + ".join(["1"] * 5000) + " }}",
        "{% if 1 %}" * 5000 + "{% endif %}" * 5000,
    ],
)
def test_excess_ends_soon_and_with_an_error(text: str) -> None:
    nested: list[object] = []
    for _ in range(500):
        nested = [nested]
    names = {
        "big": "a" * 1_000_000,
        "digits": "1" * 100_000,
        "evil": "a" * 5000,
        "optionals": "[d]" * 60 + "x",
        "nested": nested,
    }
    start = time.process_time()
    with pytest.raises(ExpressionError):
        render(text, names)
    assert time.process_time() - start < 5


def test_markers_in_data_take_time_in_proportion() -> None:
    for data in ("{%endraw%}" + "{%raw%}" * 50_000, "{%raw%}" * 50_000 + "\n{%endraw%}", "{%" + " " * 500_000):
        start = time.process_time()
        assert render("{{ data }}", {"data": data}) == data
        assert time.process_time() - start < 1
