"""The address of a list of executions → what to search for: state, namespace, flow, labels, words, time."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlencode

from django.http import QueryDict

from apps.common.clock import now
from apps.common.ids import LENGTH, is_id, to_uuid
from apps.common.search_filters import Criterion, Op, split_list
from apps.workflows.execution_store.save import label_term
from apps.workflows.plugin_api.state import State
from apps.workflows.selectors.conditions import Conditions, add_text
from apps.workflows.selectors.execution_search import ExecutionFilter
from apps.workflows.selectors.flows import add_visible, add_words, list_flow_refs

TIMES: Final = {
    "": "Any time",
    "-1h": "Last hour",
    "-24h": "Last 24 hours",
    "-2d": "Last 2 days",
    "-7d": "Last 7 days",
    "-30d": "Last 30 days",
}
SIZES: Final = (25, 50, 100)
_RELATIVE: Final = re.compile(r"-(\d{1,4})([mhdw])")
_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_LABEL: Final = re.compile(r"labels\[([^\]]+)\]")


@dataclass(frozen=True)
class ExecutionQuery:
    """What the address says, as texts; what cannot be understood is in `unknown`, for a notice."""

    q: str = ""
    namespace: str = ""
    flow: str = ""
    states: tuple[str, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    time: str = ""
    page: int = 1
    size: int = SIZES[0]
    usual_size: int = SIZES[0]
    """Of the person's settings; an address need not name it."""
    unknown: tuple[str, ...] = field(default=())

    @property
    def filtered(self) -> bool:
        """Whether anything narrows the list."""
        return bool(self.q or self.namespace or self.flow or self.states or self.labels or self.time)

    def address(self, **changes: object) -> str:
        """The query string of this view with changes, without defaults; page 1 unless it is given."""
        values: dict[str, object] = {
            "flow": self.flow,
            "namespace": self.namespace,
            "q": self.q,
            "size": self.size if self.size != self.usual_size else "",
            "state": ",".join(self.states),
            "time": self.time,
            **{f"labels[{key}]": value for key, value in self.labels},
            "page": "",
            **changes,
        }
        kept = {name: value for name, value in values.items() if value not in ("", None, 1) or name not in values}
        text = urlencode(kept, safe=",[]:")
        return f"?{text}" if text else "?"

    def toggled(self, state: str) -> str:
        """The address with one state more, or one less."""
        states = [one for one in self.states if one != state] if state in self.states else [*self.states, state]
        return self.address(state=",".join(states))

    @property
    def start(self) -> datetime | None:
        """The moment `time` begins at."""
        match = _RELATIVE.fullmatch(self.time)
        return None if match is None else now() - timedelta(**{_UNITS[match[2]]: int(match[1])})


def read_query(query: QueryDict, *, pinned: Mapping[str, str] | None = None, usual_size: str = "") -> ExecutionQuery:
    """Never fails: a value that means nothing is left out and named in `unknown`."""
    pinned = pinned or {}
    unknown: list[str] = []
    states = []
    for state in split_list(",".join(query.getlist("state"))):
        if state.upper() in State.__members__:
            states.append(state.upper())
        else:
            unknown.append(f"state {state}")
    time = query.get("time", "")
    if time and not _RELATIVE.fullmatch(time):
        unknown.append(f"time {time}")
        time = ""
    labels = [(str(match[1]), query.get(name, "")) for name in query if (match := _LABEL.fullmatch(name))]
    usual = _number(usual_size, SIZES[0], SIZES[-1])
    size = _number(query.get("size"), usual, SIZES[-1])
    return ExecutionQuery(
        q=query.get("q", "").strip(),
        namespace=pinned.get("namespace") or query.get("namespace", "").strip(),
        flow=pinned.get("flow") or query.get("flow", "").strip(),
        states=tuple(dict.fromkeys(states)),
        labels=tuple(labels),
        time=time,
        page=_number(query.get("page"), 1, 40_000),
        size=size if size in SIZES else SIZES[0],
        usual_size=usual,
        unknown=tuple(unknown),
    )


def as_filter(query: ExecutionQuery, visible: Sequence[str] | None, *, exact: bool = False) -> ExecutionFilter:
    """For the search; `visible` is rbac's `visible_namespaces`. `exact`: the namespace itself, without those below.

    One query when flows have to be found by name, none otherwise.
    """
    words = query.q.split()
    ids = [word for word in words if len(word) == LENGTH and is_id(word)]
    text = " ".join(word for word in words if word not in ids)
    conditions = Conditions()
    add_visible(conditions, visible)
    if query.namespace:
        op = Op.EQUALS if exact else Op.PREFIX
        add_text(conditions, "f.namespace", Criterion("namespace", op, (query.namespace,)))
    if query.flow:
        add_text(conditions, "f.flow_id", Criterion("flow", Op.EQUALS, tuple(split_list(query.flow))))
    add_words(conditions, text)
    return ExecutionFilter(
        flow_refs=list_flow_refs(conditions) if conditions.parts else None,
        states=list(query.states) or None,
        start=query.start,
        terms=[label_term(f"{key}={value}") for key, value in query.labels],
        ids=(to_uuid(ids[0]), to_uuid(ids[0])) if ids else None,
    )


def _number(text: str | None, default: int, most: int) -> int:
    return min(int(text), most) if text and text.isdecimal() and int(text) > 0 else default
