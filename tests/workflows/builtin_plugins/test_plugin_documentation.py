"""Every registered type tells people what it does, what each property means, and shows it in a flow that parses."""

from __future__ import annotations

import inspect

import pytest

from apps.userapps.language.source import inspect_app
from apps.workflows.flow_language.source import inspect_flow
from apps.workflows.plugin_api.documented import Documented
from apps.workflows.plugin_api.model import PluginModel
from apps.workflows.plugin_api.registry import names_of, plugin_class, type_names

OURS = [name for name in type_names() if names_of(name)[0] == name]
EXAMPLES = [
    pytest.param(name, example, id=f"{name}-{number}")
    for name in OURS
    for number, example in enumerate(getattr(plugin_class(name), "examples", ()))
]


def test_there_are_types() -> None:
    assert "io.kestra.plugin.core.log.Log" in OURS
    assert EXAMPLES


@pytest.mark.parametrize("name", type_names())
def test_every_name_leads_to_a_class(name: str) -> None:
    assert issubclass(plugin_class(name), PluginModel)


@pytest.mark.parametrize("name", OURS)
def test_a_type_has_a_title_and_an_example(name: str) -> None:
    found = plugin_class(name)
    assert issubclass(found, Documented)
    title = inspect.cleandoc(found.__doc__ or "").partition("\n")[0]
    assert title.endswith(".") or title.endswith(").")
    assert found.__doc__ != Documented.__doc__
    assert found.examples
    assert any(f"type: {name}" in example.code for example in found.examples)


@pytest.mark.parametrize("name", OURS)
def test_every_property_of_a_type_says_what_it_means(name: str) -> None:
    silent = [name for name, field in plugin_class(name).model_fields.items() if not field.title]
    assert silent == []


@pytest.mark.parametrize(("name", "example"), EXAMPLES)
def test_every_example_is_a_flow_or_app_without_mistakes(name: str, example: object) -> None:
    code = getattr(example, "code")  # noqa: B009 — pytest gives parameters without types
    if name.startswith("io.kestra.plugin.ee.apps."):
        assert [str(violation) for violation in inspect_app(code).violations] == []
        return
    report = inspect_flow(code)
    assert [str(violation) for violation in report.violations] == []
    assert [str(warning) for warning in report.warnings] == []
    assert report.flow is not None
