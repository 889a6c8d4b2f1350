"""Rows of flows, executions and what belongs to them. Only ``execution_store`` writes Execution and TaskRun."""

from apps.workflows.models.execution import Execution, ExecutionLabel
from apps.workflows.models.flow import Flow, FlowRevision, NamespaceRef
from apps.workflows.models.flow_slot import FlowSlot
from apps.workflows.models.log_entry import LogEntry
from apps.workflows.models.loop_values import LoopValues
from apps.workflows.models.metric_entry import MetricEntry
from apps.workflows.models.rollup import ExecutionDay, Fold, LogHour
from apps.workflows.models.task_run import TaskRun
from apps.workflows.models.template import ExecutionTemplate, Template, TemplateRevision
from apps.workflows.models.trigger_state import TriggerEvaluation, TriggerState, TriggerWindow

__all__ = [
    "Execution",
    "ExecutionDay",
    "ExecutionLabel",
    "ExecutionTemplate",
    "Flow",
    "FlowRevision",
    "FlowSlot",
    "Fold",
    "LogEntry",
    "LogHour",
    "LoopValues",
    "MetricEntry",
    "NamespaceRef",
    "TaskRun",
    "Template",
    "TemplateRevision",
    "TriggerEvaluation",
    "TriggerState",
    "TriggerWindow",
]
