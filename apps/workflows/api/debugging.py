"""The expression debugger, and flows as graphs."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request

from apps.common.access import access
from apps.common.api import query_number
from apps.common.errors import Invalid
from apps.common.json_values import Shape
from apps.rbac.decisions import check_can
from apps.workflows.api.describe import TEXT, YAML, describe, number
from apps.workflows.api.flows import get_flow
from apps.workflows.api.reading import get_execution, get_head, raw_request, read_source
from apps.workflows.flow_language.graph import flow_graph
from apps.workflows.services.debugging import eval_expression
from apps.workflows.services.definitions import load_flow
from apps.workflows.services.flows import check_source

BODY = {"text/plain": TEXT[200, "text/plain"]}


class EvalShape(Shape):
    """What an expression gives, or why it gives nothing."""

    result: str | None = None
    error: str | None = None


@describe(EvalShape, body=BODY, tag="Executions")
@access("FLOW", "UPDATE")
def evaluate(request: Request, execution_id: str, task_run_id: str | None = None) -> EvalShape:
    """Render the body with the variables of an execution, or of one of its task runs. Secrets are hidden."""
    head = get_head(request, execution_id)
    check_can(request.user, "FLOW", "UPDATE", head.namespace)
    try:
        expression = raw_request(request).body.decode()
    except UnicodeDecodeError as error:
        raise Invalid("The body is not UTF-8 text.") from error
    found = eval_expression(execution_id=execution_id, task_run_id=task_run_id, expression=expression)
    return EvalShape(result=found.result, error=found.error)


@describe(dict[str, Any], tag="Executions")
@access("EXECUTION", "READ")
def read_execution_graph(request: Request, execution_id: str) -> dict[str, Any]:
    """The flow of an execution as nodes, edges and clusters, at the revision it runs."""
    execution = get_execution(request, execution_id)
    return flow_graph(load_flow(execution.flow_ref, execution.flow_revision, execution.id).definition).to_json()


@describe(dict[str, Any], query=(number("revision", "An older revision."),), tag="Flows")
@access("FLOW", "READ")
def read_flow_graph(request: Request, namespace: str, flow_id: str) -> dict[str, Any]:
    """A flow as nodes, edges and clusters."""
    flow = get_flow(namespace, flow_id, revision=query_number(request.query_params, "revision"))
    return flow_graph(load_flow(flow.flow_ref, flow.revision).definition).to_json()


@describe(dict[str, Any], body=YAML, tag="Flows")
@access("FLOW", "READ")
def draw_source(request: Request) -> dict[str, Any]:
    """The same for a flow that is being written."""
    return flow_graph(check_source(read_source(request))).to_json()
