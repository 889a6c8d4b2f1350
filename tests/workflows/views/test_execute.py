"""The form that starts a flow: a widget per type, errors at their fields, nothing typed is lost."""

import base64
from collections.abc import Callable

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from pytest_django import Settings

from apps.accounts.models import User
from apps.tenants.models import Tenant
from apps.workflows.models import Execution
from apps.workflows.services.flows import create_flow, set_flow_disabled
from tests.support.pages import Pages

pytestmark = pytest.mark.django_db
AsPages = Callable[..., Pages]
FORM = "/flows/edit/company.team/ask/execute"
ASK = """\
id: ask
namespace: company.team
inputs:
  - {id: name, type: STRING, defaults: World, description: Whom to greet}
  - {id: times, type: INT, min: 1, max: 9}
  - {id: ratio, type: FLOAT, required: false}
  - {id: loud, type: BOOLEAN, defaults: true}
  - {id: quiet, type: BOOLEAN, required: false}
  - {id: mood, type: SELECT, values: [calm, wild], defaults: calm}
  - {id: free, type: SELECT, values: [one, two], allowCustomValue: true, required: false}
  - {id: tags, type: MULTISELECT, values: [a, b, c], required: false}
  - {id: at, type: DATETIME, required: false}
  - {id: day, type: DATE, required: false}
  - {id: wait, type: DURATION, required: false}
  - {id: data, type: JSON, required: false}
  - {id: token, type: SECRET, required: false}
  - {id: mail, type: EMAIL, required: false}
  - {id: page, type: URI, required: false}
  - {id: file, type: FILE, required: false}
  - {id: extra, type: STRING, required: false, dependsOn: {inputs: [mood], condition: "{{ inputs.mood == 'wild' }}"}}
tasks:
  - {id: say, type: io.kestra.plugin.core.log.Log, message: Hello}
"""


@pytest.fixture
def ask(in_alpha: Tenant, settings: Settings) -> None:
    settings.KESTRA_MASTER_KEY = base64.b64encode(b"0" * 32).decode()
    create_flow(acting_user=None, source=ASK)


def test_each_type_has_its_widget_and_defaults_are_filled_in(pages: AsPages, alice: User, ask: None) -> None:
    shown = pages(alice).get(FORM)
    for field, widget in {
        "times": "number", "ratio": "number", "at": "datetime-local", "day": "date", "token": "password",
        "mail": "email", "page": "url", "file": "file", "wait": "text",
    }.items():  # fmt: skip
        assert f'name="inputs.{field}" type="{widget}"' in shown.html, field
    assert shown.value_of("inputs.name") == "World"
    assert "Whom to greet" in shown.text
    assert 'role="switch" id="input-loud" name="inputs.loud" value="true" checked' in shown.html
    assert "missing required input" not in shown.text


def test_a_link_can_fill_the_form(pages: AsPages, alice: User, ask: None) -> None:
    shown = pages(alice).get(FORM, **{"inputs.name": "Ada", "inputs.times": "4", "labels": "team:x"})
    assert (shown.value_of("inputs.name"), shown.value_of("inputs.times")) == ("Ada", "4")
    assert shown.value_of("labels") == "team:x"


def test_values_arrive_typed(pages: AsPages, alice: User, ask: None) -> None:
    sent = pages(alice).post(
        FORM,
        **{
            "inputs.name": "Ada", "inputs.times": "4", "inputs.ratio": "0.5", "inputs.quiet": "false",
            "inputs.mood": "wild", "inputs.extra": "more", "inputs.tags": ["a", "c"], "inputs.free": "three",
            "inputs.at": "2026-01-15T10:00:00", "inputs.data": '{"k": [1]}', "inputs.token": "s3cret",
            "inputs.file": SimpleUploadedFile("x.csv", b"1,2"), "labels": "team:x, tier:1",
        },
    )  # fmt: skip
    execution = Execution.objects.get()
    assert sent.location == f"/ui/alpha/executions/company.team/ask/{execution.id}"
    held = execution.inputs
    assert held["times"] == 4
    assert held["ratio"] == 0.5
    assert held["loud"] is False, "a switch that was not on"
    assert held["quiet"] is False
    assert held["tags"] == ["a", "c"]
    assert held["free"] == "three"
    assert held["at"] == "2026-01-15T10:00:00Z"
    assert held["data"] == {"k": [1]}
    assert "s3cret" not in str(held["token"])
    assert held["file"].startswith("kestra:///")
    assert held["extra"] == "more"
    assert {"key": "team", "value": "x"} in execution.labels


def test_errors_stand_at_their_fields_and_what_was_typed_is_kept(pages: AsPages, alice: User, ask: None) -> None:
    typed = {
        "inputs.name": "Ada", "inputs.times": "99", "inputs.mail": "nobody", "inputs.data": "{", "inputs.tags": ["b"],
        "inputs.token": "s3cret", "inputs.loud": "true", "labels": "team:x",
    }  # fmt: skip
    shown = pages(alice).post(FORM, **typed)
    assert shown.status == 422
    for name in ("name", "times", "mail", "data"):
        assert shown.value_of(f"inputs.{name}") == typed[f"inputs.{name}"], name
    assert shown.value_of("labels") == "team:x"
    assert "s3cret" not in shown.html
    for name in ("times", "mail", "data"):
        assert f'id="input-{name}-error1"' in shown.html, name
        assert f'aria-describedby="input-{name}-error1 ' in shown.html, name
    assert 'value="b" checked' in shown.html
    assert "Not started: 3 values cannot be used" in shown.text
    assert not Execution.objects.exists()


def test_a_bad_label_or_date_is_told_at_its_field(pages: AsPages, alice: User, ask: None) -> None:
    assert (
        "A label looks like key:value, not 'team'"
        in pages(alice).post(FORM, **{"inputs.times": "1", "labels": "team"}).text
    )
    system = pages(alice).post(FORM, **{"inputs.times": "1", "labels": "system.x:y"})
    assert (system.status, "System labels" in system.text) == (422, True)
    late = pages(alice).post(FORM, **{"inputs.times": "1", "scheduleDate": "soon"})
    assert "is no date and time" in late.text
    assert not Execution.objects.exists()


def test_an_input_that_depends_on_another_appears_with_it(pages: AsPages, alice: User, ask: None) -> None:
    assert "inputs.extra" not in pages(alice).get(FORM).html
    shown = pages(alice).post(FORM + "/inputs", htmx=True, **{"inputs.mood": "wild", "inputs.name": "Ada"})
    assert "inputs.extra" in shown.html
    assert shown.value_of("inputs.name") == "Ada"
    assert "missing required input" not in shown.text


def test_the_dialog_is_the_form_alone_and_htmx_is_sent_to_the_execution(pages: AsPages, alice: User, ask: None) -> None:
    dialog = pages(alice).fragment(FORM)
    assert "<html" not in dialog.html
    assert 'hx-post="/ui/alpha' + FORM in dialog.html
    sent = pages(alice).post(FORM, htmx=True, **{"inputs.times": "1"})
    assert sent.response.headers["HX-Redirect"].startswith("/ui/alpha/executions/company.team/ask/")


def test_a_disabled_flow_says_so_instead_of_asking(pages: AsPages, alice: User, ask: None) -> None:
    set_flow_disabled(acting_user=None, namespace="company.team", flow_id="ask", disabled=True)
    assert "This flow is disabled" in pages(alice).get(FORM).text
    assert pages(alice).post(FORM, **{"inputs.times": "1"}).status == 409


def test_markup_in_names_is_shown_as_text(pages: AsPages, alice: User, ask: None) -> None:
    shown = pages(alice).get(FORM, **{"inputs.name": '"><script>alert(1)</script>'})
    assert "<script>alert" not in shown.html
    assert shown.value_of("inputs.name") == '"><script>alert(1)</script>'
