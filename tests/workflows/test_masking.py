"""Masking: a secret is hidden in each form in which logs, addresses, headers and JSON carry it."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote, quote_plus

import pytest

from apps.workflows.plugin_api.task import Level
from apps.workflows.services.masking import MASK, longest_first, masked_outputs, masked_text
from apps.workflows.worker.log_capture import LogCapture

VALUE = 'p4ss "word" & / é~7'
CODED = base64.b64encode(VALUE.encode()).decode()


@pytest.mark.parametrize(
    "form",
    [VALUE, json.dumps(VALUE)[1:-1], json.dumps(VALUE, ensure_ascii=False)[1:-1], quote(VALUE), quote(VALUE, safe=""),
     quote_plus(VALUE), quote_plus(VALUE).replace("~", "%7E"), CODED, CODED.rstrip("=")],
)  # fmt: skip
def test_each_form_is_hidden(form: str) -> None:
    assert masked_text(f"it is <{form}>.", longest_first([VALUE])) == f"it is <{MASK}>."
    assert masked_outputs({"a": [form]}, {VALUE}) == {"a": [MASK]}


def test_log_and_metrics_of_a_task_hide_what_was_named_before() -> None:
    logs = LogCapture("run", "task", 0, None)
    logs.mask(VALUE)
    logs.mask("x")
    logs.log(Level.INFO, f"{VALUE} {CODED} eHx xyz")
    logs.metric("counter", VALUE, 1, {"owner": CODED})
    (line,), (metric,) = logs.take()
    assert line.message == f"{MASK} {MASK} eH{MASK} {MASK}yz", "of a short secret only itself is hidden"
    assert (metric.name, metric.tags) == (MASK, {"owner": MASK})
