"""The expression debugger: what an expression would be in an execution, with its secrets hidden."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from apps.common.clock import now as read_clock
from apps.common.current_tenant import require_tenant
from apps.common.errors import NotFound
from apps.common.ids import is_id
from apps.workflows.execution_store.claims import read_facts
from apps.workflows.execution_store.load import read_run
from apps.workflows.expressions.environment import render
from apps.workflows.expressions.errors import ExpressionError
from apps.workflows.services.definitions import load_flow
from apps.workflows.services.expression_functions import StoreFunctions
from apps.workflows.services.variables import ExpressionSource

MASK: Final = "********"


@dataclass(frozen=True, slots=True)
class Evaluated:
    """The text, or why there is none."""

    result: str | None = None
    error: str | None = None


def eval_expression(*, execution_id: str, task_run_id: str | None, expression: str) -> Evaluated:
    """Render an expression with the variables of an execution and, when given, of one of its task runs.

    Every secret it reads is shown as ``********``. NotFound (execution, task run).
    """
    facts = read_facts(execution_id)
    if facts is None:
        raise NotFound(f"Execution {execution_id} not found")
    run = None
    if task_run_id is not None:
        run = read_run(execution_id, task_run_id) if is_id(task_run_id) else None
        if run is None:
            raise NotFound(f"Execution {execution_id} has no task run {task_run_id[:60]}")
    secrets: set[str] = set()
    flow = load_flow(facts.flow_ref, facts.flow_revision)
    source = ExpressionSource(lambda: facts, flow, execution_id, require_tenant(), {}, secrets.add)
    functions = StoreFunctions(facts, now=read_clock, masks=secrets.add)
    try:
        return Evaluated(result=_masked(render(expression, source.variables(run), functions), secrets))
    except ExpressionError as error:
        return Evaluated(error=_masked(str(error), secrets))


def _masked(text: str, secrets: set[str]) -> str:
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, MASK)
    return text
