"""The expression debugger: what an expression would be in an execution, with its secrets hidden."""

from __future__ import annotations

from dataclasses import dataclass

from apps.workflows.services.shown_texts import Unrenderable, find_task_run, texts_of


@dataclass(frozen=True, slots=True)
class Evaluated:
    """The text, or why there is none."""

    result: str | None = None
    error: str | None = None


def eval_expression(*, execution_id: str, task_run_id: str | None, expression: str) -> Evaluated:
    """Render an expression with the variables of an execution and, when given, of one of its task runs.

    Every secret it reads is shown as ``********``. NotFound (execution, task run).
    """
    texts = texts_of(execution_id)
    run = None if task_run_id is None else find_task_run(execution_id, task_run_id)
    try:
        return Evaluated(result=texts.text(expression, run))
    except Unrenderable as error:
        return Evaluated(error=str(error))
