"""Apps in alpha, and the pages as people see them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from apps.accounts.models import User
from apps.rbac.models import Role
from apps.tenants.models import Tenant
from apps.userapps.models import UserApp
from apps.userapps.services.apps import create_app
from apps.workflows.services.flows import create_flow
from tests.factories import bind, make_user
from tests.support.pages import Pages

FLOW = """\
id: refund
namespace: company.team
inputs:
  - {id: reason, type: STRING, displayName: Reason}
  - {id: amount, type: INT, min: 1, max: 5000}
  - {id: token, type: SECRET, required: false}
  - {id: proof, type: FILE, required: false}
tasks:
  - {id: say, type: io.kestra.plugin.core.debug.Return, format: "{{ inputs.amount }}"}
  - id: approve
    type: io.kestra.plugin.core.flow.Pause
    onResume:
      - {id: run, type: SELECT, values: [today, tomorrow], defaults: today}
  - {id: pay, type: io.kestra.plugin.core.debug.Return, format: "{{ outputs.approve.onResume.run }}"}
outputs:
  - {id: paid, type: STRING, value: "{{ outputs.pay.value }}"}
"""
APP = """\
id: refund
type: io.kestra.plugin.ee.apps.Execution
displayName: Refund customers
description: Money back.
namespace: company.team
flowId: refund
access: PRIVATE
tags: [Finance]
layout:
  - on: OPEN
    blocks:
      - {type: io.kestra.plugin.ee.apps.core.blocks.Markdown, content: "Hello from {{ flow.id }} at {{ app.url }}"}
      - {type: io.kestra.plugin.ee.apps.execution.blocks.CreateExecutionForm}
      - {type: io.kestra.plugin.ee.apps.execution.blocks.CreateExecutionButton, text: Ask}
  - on: PAUSE
    blocks:
      - {type: io.kestra.plugin.ee.apps.execution.blocks.Inputs}
      - type: io.kestra.plugin.ee.apps.execution.blocks.TaskOutputs
        outputs:
          - {displayName: Said, type: STRING, value: "{{ outputs.say.value }}"}
          - {displayName: Lost, type: STRING, value: "{{ outputs.nothing.value }}"}
      - {type: io.kestra.plugin.ee.apps.execution.blocks.ResumeExecutionForm}
      - {type: io.kestra.plugin.ee.apps.execution.blocks.ResumeExecutionButton, text: Approve}
      - {type: io.kestra.plugin.ee.apps.execution.blocks.CancelExecutionButton, text: Reject}
  - on: SUCCESS
    blocks:
      - {type: io.kestra.plugin.ee.apps.core.blocks.Markdown, content: "{{ nothing.here }}"}
      - {type: io.kestra.plugin.ee.apps.execution.blocks.Outputs}
"""
PUBLIC = APP.replace("access: PRIVATE", "access: PUBLIC")


@pytest.fixture
def pages(db: None) -> Callable[..., Pages]:
    """`pages(alice).get("/apps/…")`; `pages()` is a visitor."""
    return Pages


@pytest.fixture
def refund(in_alpha: Tenant) -> UserApp:
    """An App for people who are signed in."""
    create_flow(acting_user=None, source=FLOW)
    return create_app(acting_user=None, source=APP).app


@pytest.fixture
def dora(in_alpha: Tenant) -> User:
    """Launcher of company.team: she may use Apps there."""
    dora = make_user("dora@example.com", first_name="Dora")
    bind(dora, Role.objects.get(name="Launcher"), namespace="company.team")
    return dora
