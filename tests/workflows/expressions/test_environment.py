"""The door: typed and recursive rendering, trees, lazy variables, truth, the cache."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest

from apps.workflows.expressions.environment import (
    ExpressionError,
    compiled,
    is_truthy,
    render,
    render_recursive,
    render_tree,
    render_typed,
)
from apps.workflows.expressions.limits import CACHED_TEMPLATES


class Lazy(Mapping[str, object]):
    """Remembers what was fetched."""

    def __init__(self, **values: object) -> None:
        self.values_of = values
        self.fetched: list[str] = []

    def __getitem__(self, key: str) -> object:
        self.fetched.append(key)
        return self.values_of[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.values_of)

    def __len__(self) -> int:
        return len(self.values_of)


def test_text_without_braces_is_returned_as_it_is() -> None:
    text = "".join(["no ", "braces }} %}"])
    assert render(text, {}) is text
    assert render_typed(text, {}) is text


def test_only_names_that_are_used_are_fetched_at_any_depth() -> None:
    task, other = Lazy(value=1, uri="u"), Lazy(a=1)
    outputs = Lazy(task=task, other=other)
    names = Lazy(outputs=outputs, envs=Lazy(), execution=1)
    assert render("{{ outputs.task.value }} {{ outputs.none ?? 'x' }}", names) == "1 x"
    assert (names.fetched, outputs.fetched) == (["outputs", "outputs"], ["task", "none"])
    assert (task.fetched, other.fetched) == (["value"], [])


def test_typed_rendering_keeps_the_value() -> None:
    value = {"a": [1, None]}
    assert render_typed("{{ x }}", {"x": value}) is value
    assert render_typed("{% if true %}{{ 1.5 }}{% endif %}", {}) == 1.5
    assert render_typed("{{ 's' }} and text", {}) == "s and text"
    assert render_typed("{{ null }}text", {}) == "text"
    assert type(render_typed("{{ '1.5' | number }}", {})) is float
    assert type(render_typed("{{ 'abc' | first }}", {})) is str
    for text in ("{{ [1] }}\n", "a {{ 1 }}", "{{ 's' }}{{ 's' }}"):
        with pytest.raises(ExpressionError, match="Tried to add"):
            render_typed(text, {})


def test_trees_are_rendered_through_keys_and_values() -> None:
    tree = {"{{ a }}": ["{{ a }}", {"b": "{{ a }}"}, 1, None], "x": "second wins not", "n": {"{{ a }}"}}
    assert render_tree(tree, {"a": "x"}) == {"x": ["x", {"b": "x"}, 1, None], "n": {"x"}}
    assert render_tree("{{ [1] }}", {}) == "[1]"


def test_recursive_rendering_goes_on_until_nothing_changes() -> None:
    names = {"a": "{{ b }}", "b": "{{ c }}", "c": "{% raw %}{{ d }}{% endraw %}", "loop1": "x{{ loop1 }}"}
    assert render_recursive("{{ a }}", {**names, "c": 1}) == "1"
    assert render_recursive("{% raw %}{{ a }}{% endraw %} {{ b }}", {**names, "c": "v"}) == "{{ a }} v"
    with pytest.raises(ExpressionError, match="Too many rendering attempts"):
        render_recursive("{{ loop1 }}", names)


def test_render_function_sees_names_set_in_the_text_and_changes_none() -> None:
    text = "{% set n = 1 %}{% for i in 1..2 %}{{ render(t) }}{% endfor %}{{ n }}"
    assert render(text, {"t": "{% set n = n + i %}{{ n }};"}) == "2;3;1"


def test_texts_that_render_each_other_end() -> None:
    with pytest.raises(ExpressionError, match=r"Too many rendering attempts|nested too deep"):
        render("{{ render(a) }}", {"a": "{{ render(a) }}"})
    with pytest.raises(ExpressionError, match=r"Too many rendering attempts|nested too deep"):
        render("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", {})


@pytest.mark.parametrize("rendered", [None, "false", "0", "-0", ""])
def test_false_conditions(rendered: str | None) -> None:
    assert not is_truthy(rendered)


@pytest.mark.parametrize("rendered", ["true", "False", "1", " ", "0.0", "no", "[]"])
def test_true_conditions(rendered: str) -> None:
    assert is_truthy(rendered)


def test_templates_are_compiled_once_and_the_cache_is_bounded() -> None:
    assert compiled("{{ cached }}") is compiled("{{ cached }}")
    for index in range(CACHED_TEMPLATES + 50):
        compiled(f"{{{{ {index} }}}}")
    assert compiled.cache_info().currsize == CACHED_TEMPLATES


def test_threads_share_templates_without_mixing_their_variables() -> None:
    texts = [f"{{% for i in 1..n %}}{{% set s = s ~ i %}}{{% endfor %}}{{{{ s }}}}-{index}" for index in range(20)]

    def work(n: int) -> bool:
        expected = "".join(map(str, range(1, n + 1)))
        return all(render(text, {"n": n, "s": ""}) == f"{expected}-{index}" for index, text in enumerate(texts))

    compiled.cache_clear()
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, [n % 7 + 1 for n in range(200)]))
