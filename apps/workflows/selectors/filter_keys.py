"""The keys that lists of executions, flows, logs and triggers are filtered by (their names, kinds and API fields)."""

from __future__ import annotations

from typing import Final

from apps.common.search_filters.keys import Key, Keys, Kind
from apps.workflows.plugin_api.state import State
from apps.workflows.plugin_api.task import Level

STATES: Final = tuple(str(state) for state in State)
_NAMESPACE: Final = Key("namespace", "Namespace, with all below it", Kind.NAMESPACE, icon="folder", counted=True)
_FLOW: Final = Key("flow", "Id of the flow", api="flowId", icon="flow", counted=True)
_LABELS: Final = Key("labels", "A label: labels[team]:data", Kind.MAP, icon="tag")
_SCOPE: Final = Key("scope", "Flows of people, or of the system", Kind.CHOICE, values=("USER", "SYSTEM"), icon="shield")
_TIME: Final = Key("time", "When it started: -2d, yesterday", Kind.TIME, "startDate", icon="cal")
_OLDER: Final = {"flowId": "flow", "timeRange": "time", "triggerId": "trigger", "executionId": "id"}

EXECUTION_KEYS: Final = Keys(
    "executions",
    Key("state", "State", Kind.CHOICE, values=STATES, icon="pulse", counted=True),
    _NAMESPACE,
    _FLOW,
    _TIME,
    _LABELS,
    Key("duration", "How long it took: duration>10m", Kind.DURATION, icon="clock"),
    Key("ended", "When it ended", Kind.TIME, "ended", icon="cal"),
    Key("trigger", "Id of the trigger that started it", api="triggerId", icon="bolt"),
    Key("triggerType", "Type of that trigger", api="triggerType", icon="bolt"),
    Key("id", "Id, or its beginning: id^:7Kx", api="executionId", icon="key"),
    _SCOPE,
    Key("kind", "Started by another execution, or not", Kind.CHOICE, "childFilter", ("MAIN", "CHILD"), "runs"),
    Key("parent", "Id of the execution that started it", api="triggerExecutionId", icon="up"),
    Key("correlation", "Correlation id", api="correlation", icon="link"),
    Key("revision", "Revision of the flow", Kind.NUMBER, "revision", icon="file"),
    Key("attempt", "Number of the attempt", Kind.NUMBER, "attempt", icon="refresh"),
    Key("task", "Id of a task that ran", api="taskId", icon="check"),
    Key("hasError", "First line of its error: hasError~:timeout", api="error", icon="FAILED"),
    older={
        **_OLDER,
        "childFilter": "kind",
        "triggerExecutionId": "parent",
        "error": "hasError",
        "taskId": "task",
        "started": "time",
    },
)
FLOW_KEYS: Final = Keys(
    "flows",
    _NAMESPACE,
    _LABELS,
    Key("lastState", "State of its last execution", Kind.CHOICE, values=STATES, icon="pulse"),
    Key("enabled", "Whether it may start", Kind.FLAG, values=("YES", "NO"), icon="check"),
    Key("trigger", "Type of a trigger: trigger~:Schedule", api="triggerType", icon="bolt"),
    Key("task", "Type of a task: task~:http", api="taskType", icon="plug"),
    Key("flow", "Id of the flow", api="flowId", icon="flow"),
    _SCOPE,
    Key("updated", "When it was changed", Kind.TIME, "updated", icon="cal"),
    Key("lastRun", "When it ran last", Kind.TIME, "lastRun", icon="clock"),
    Key("readonly", "Closed for the console by its label", Kind.FLAG, values=("YES", "NO"), icon="lock"),
    older={"flowId": "flow", "state": "lastState"},
)
LOG_KEYS: Final = Keys(
    "logs",
    Key("level", "Least level", Kind.LEVEL, "minLevel", tuple(str(level) for level in Level), "logs"),
    _NAMESPACE,
    _FLOW,
    Key("time", "When it was written: -1h, today", Kind.TIME, "startDate", icon="cal"),
    Key("task", "Id of the task", api="taskId", icon="check"),
    Key("execution", "Id of the execution", api="executionId", icon="runs"),
    Key("trigger", "Id of the trigger", api="triggerId", icon="bolt"),
    Key("attempt", "Number of the attempt", Kind.NUMBER, "attempt", icon="refresh"),
    Key("text", "What the line holds: text~:refused, text=~/a.*b/", api="text", icon="search"),
    older={**_OLDER, "executionId": "execution", "minLevel": "level", "taskId": "task"},
)
TRIGGER_KEYS: Final = Keys(
    "triggers",
    _NAMESPACE,
    _FLOW,
    Key("kind", "What starts it", Kind.CHOICE, values=("TIME", "FLOW", "WEBHOOK", "POLL", "STREAM"), icon="bolt"),
    Key("type", "Its type: type~:Schedule", api="type", icon="plug"),
    Key("enabled", "Switched on", Kind.FLAG, values=("YES", "NO"), icon="check"),
    Key("locked", "Waits for an execution or a worker", Kind.FLAG, values=("YES", "NO"), icon="lock"),
    Key("backfill", "Its backfill", Kind.CHOICE, values=("RUNNING", "PAUSED", "NONE"), icon="cal"),
    Key("late", "Its date has passed", Kind.FLAG, values=("YES", "NO"), icon="clock"),
    Key("next", "Its next date: +24h", Kind.TIME, "next", icon="cal"),
    Key("last", "Its last date: -1h", Kind.TIME, "last", icon="cal"),
    Key("trigger", "Its id", api="triggerId", icon="bolt"),
    Key("worker", "Id of the worker", api="workerId", icon="server"),
    older={"flowId": "flow", "triggerId": "trigger", "workerId": "worker", "stand": "enabled"},
)
ALL_KEYS: Final = {keys.page: keys for keys in (EXECUTION_KEYS, FLOW_KEYS, LOG_KEYS, TRIGGER_KEYS)}
