"""Flows and executions to look at."""

from collections.abc import Callable

import pytest

from apps.tenants.models import Tenant
from apps.workflows.services.executions import StartRequest, create_execution
from apps.workflows.services.flows import create_flow
from tests.support.pages import Pages

HELLO = """\
id: hello
namespace: company.team
labels:
  team: data
tasks:
  - id: say
    type: io.kestra.plugin.core.log.Log
    message: Hello
"""
HIDDEN = HELLO.replace("company.team", "company.payroll").replace("id: hello", "id: hidden")


@pytest.fixture
def pages(db: None) -> Callable[..., Pages]:
    """`pages(alice).get("/flows")`; `pages()` is nobody."""
    return Pages


@pytest.fixture
def hello(in_alpha: Tenant) -> str:
    """A flow in the namespace that Bob views."""
    create_flow(acting_user=None, source=HELLO)
    return "/flows/edit/company.team/hello"


@pytest.fixture
def hidden(in_alpha: Tenant) -> str:
    """A flow in a namespace that Bob does not know of."""
    create_flow(acting_user=None, source=HIDDEN)
    return "/flows/edit/company.payroll/hidden"


@pytest.fixture
def started(hello: str) -> str:
    """The page of an execution that waits for a worker."""
    found = create_execution(acting_user=None, request=StartRequest("company.team", "hello", labels=[("run", "one")]))
    return f"/executions/company.team/hello/{found.execution_id}"


@pytest.fixture
def hidden_started(hidden: str) -> str:
    """The page of an execution that Bob does not know of."""
    found = create_execution(acting_user=None, request=StartRequest("company.payroll", "hidden"))
    return f"/executions/company.payroll/hidden/{found.execution_id}"
